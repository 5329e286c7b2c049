"""Excluded images: an append-only record for each data set, and lists of images under a key."""

import pytest

from comus_core import open_workspace
from comus_core.errors import ConflictError, SettingsError, WorkspaceError


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


def test_images_are_excluded_included_and_each_step_is_undone(workspace):
    record = workspace.exclusions
    assert record.read("/a").images == ()
    record.add("/a", "exclude", ["y", "x"])
    record.add("/a", "include", ["y"])
    assert record.add("/a", "exclude", ["z"]).images == ("x", "z")
    assert record.undo("/a").images == ("x",)
    assert record.undo("/a").images == ("x", "y")
    assert record.undo("/a").images == ()
    with pytest.raises(SettingsError, match="no exclusion to undo"):
        record.undo("/a")


def test_a_step_is_only_what_changes_and_nothing_is_no_step(workspace):
    record = workspace.exclusions
    record.add("/a", "exclude", ["x"])
    assert record.add("/a", "exclude", ["x", "y"]).steps[-1].images == ("y",)
    assert len(record.add("/a", "exclude", ["x"]).steps) == 2
    assert len(record.add("/a", "include", ["unknown"]).steps) == 2
    assert record.undo("/a").images == ("x",)


def test_each_data_set_has_its_own_record_which_outlives_the_process(workspace):
    workspace.exclusions.add("/a", "exclude", ["x"])
    workspace.exclusions.add("/b", "exclude", ["y"])
    again = open_workspace(workspace.root)
    assert (again.exclusions.read("/a").images, again.exclusions.read("/b").images) == (("x",), ("y",))


def test_undone_steps_stay_in_the_log(workspace):
    workspace.exclusions.add("/a", "exclude", ["x"])
    workspace.exclusions.undo("/a")
    with workspace.database.reading() as connection:
        kinds = [row["kind"] for row in connection.execute("SELECT kind FROM exclusions ORDER BY id")]
    assert kinds == ["exclude", "undo"]


def test_a_list_of_images_has_a_short_key_and_an_unknown_key_is_named(workspace):
    lists = workspace.image_lists
    key = lists.keep(["a.png", "sub/ä.png"])
    assert lists.read(key) == ("a.png", "sub/ä.png") and len(key) == 12
    assert lists.keep(["a.png", "sub/ä.png"]) == key != lists.keep(["a.png"])
    assert (lists.keep([]), lists.read("")) == ("", ())
    with pytest.raises(WorkspaceError, match="no list of images 'gone'"):
        lists.read("gone")


def test_an_undo_of_a_step_that_is_no_longer_the_last_is_refused(workspace):
    record = workspace.exclusions
    seen = record.add("/a", "exclude", ["x"]).steps[-1].number
    record.add("/a", "exclude", ["y"])
    with pytest.raises(ConflictError, match="meanwhile"):
        record.undo("/a", seen)
    last = record.read("/a").steps[-1].number
    assert record.undo("/a", last).images == ("x",)
