"""A workspace in a person's own folder: whatever their folders and files are called, they stay, and are read."""

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from comus_core import discover, make_config, open_workspace, verify
from comus_core.cli import app
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.demo.scenes import draw_demo
from comus_core.errors import WorkspaceError
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.files.own_places import MARK, is_own, make_own, own_place
from comus_core.jobs.logs import jobs_folder
from comus_core.maintenance.clean import GROUPS, STALE_UPLOAD, clean, plan_cleaning
from comus_core.maintenance.delete import delete, pictures_folder
from comus_core.pipelines.verb_settings import BundleSettings, CleanSettings
from tests.builders import copy_of
from tests.datasets.broken_files import picture
from tests.maintenance.test_clean import aged

EVERYTHING = CleanSettings(stopped=True, transfers=True, pictures=True)

PLACES = ("artifacts", "bundles", "cache", "datasets", "deleted", "images", "jobs", "predictions", "relinked",
          "uploads", "writing")  # fmt: skip
PICTURES = [f"{place}/mine.png" for place in PLACES] + [
    "artifacts/a/b/shards/x.png", "bundles/mine/x.png", "cache/pictures/ab/x.png", "relinked/mine/x.png"
]  # fmt: skip
HIDDEN = ["relinked/.thumbs/x.png", "uploads/.unpacking-mine/x.png"]
OTHERS = [".x.tmp", "app.log", "jobs/1.log", "jobs/app.log", "jobs/supervisor.log", "deleted/mine.txt",
          *(f"{place}/.x.tmp" for place in PLACES)]  # fmt: skip
LONG_AGO = time.time() + 2 * STALE_UPLOAD


@pytest.fixture
def theirs(tmp_path) -> Path:
    """A folder of photographs with folders and files of every name that the program uses, all of them old."""
    root = tmp_path / "photos"
    for name in (*PICTURES, *HIDDEN):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(1, 6, 4).save(root / name)
    for name in OTHERS:
        (root / name).write_text(f"mine: {name}")
    (root / "writing/list.json").write_text(f'{{}}\n["{root}/deleted/mine.png"]')
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
    return root


def content(root: Path) -> dict[str, bytes]:
    """Every file in the folders of these names, and the two beside them."""
    found = [*(p for place in PLACES for p in (root / place).rglob("*") if p.is_file()), root / ".x.tmp"]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in [*found, root / "app.log"]}


def test_a_persons_folders_survive_whatever_removes_or_writes_and_are_read(theirs, drawn_settings, tmp_path):
    before = content(theirs)
    workspace = open_workspace(theirs)
    run = discover(make_config(**drawn_settings), workspace)
    bundle(run, workspace, BundleSettings(str(tmp_path / "out.zip")))
    opened = open_bundle(tmp_path / "out.zip", workspace)
    jobs_folder(theirs)
    home = workspace.images_root(opened).parent
    assert home.is_dir() and is_own(home) and home.parent == theirs / ".comus-bundles"
    inside = workspace.runs.save(replace(run, id="inside", artifacts={}, provenance={"root": "relinked/mine"}))
    for each in (run, opened, inside):
        delete(each, workspace)
    aged(workspace)
    assert all(p.name.startswith(".comus-") for p in plan_cleaning(workspace, LONG_AGO)["unfinished"].folders)
    clean(workspace, EVERYTHING)
    assert not home.exists() and not list(workspace.artifacts.root.glob("*/*/manifest.json"))
    assert content(theirs) == before
    dataset = open_dataset(str(theirs), workspace.drawings)
    assert [file.image_id for file in dataset.files] == sorted(PICTURES)


def test_the_clean_up_of_old_leftovers_plans_nothing_of_a_persons(theirs):
    workspace = open_workspace(theirs)
    assert {group: part.folders for group, part in plan_cleaning(workspace, LONG_AGO).items()} == {
        group: () for group in GROUPS
    }


def test_a_folder_of_a_persons_among_opened_bundles_stays_when_the_programs_own_go(tmp_path):
    workspace = open_workspace(tmp_path)
    make_own(make_own(own_place(tmp_path, "bundles")) / "left-by-a-kill")
    (tmp_path / "bundles/mine").mkdir()
    assert plan_cleaning(workspace, LONG_AGO)["unfinished"].folders == (tmp_path / "bundles/left-by-a-kill",)


def test_what_the_program_made_is_passed_over_wherever_it_had_to_go(tmp_path):
    for place, name in (("plain", "datasets"), ("taken", ".comus-datasets")):
        root = tmp_path / place
        (root / "photographs").mkdir(parents=True)
        picture(1, 6, 4).save(root / "photographs/a.png")
        if place == "taken":
            (root / "datasets").mkdir()
            picture(1, 6, 4).save(root / "datasets/b.png")
        workspace = open_workspace(root)
        draw_demo(workspace.drawings, n_scenes=2)
        make_own(own_place(root, "relinked"))
        (root / "relinked/link.png").symlink_to(root / "photographs/a.png")
        assert workspace.drawings == root / name and is_own(workspace.drawings)
        dataset = open_dataset(str(root), workspace.drawings)
        expected = ["datasets/b.png"] * (place == "taken") + ["photographs/a.png"]
        assert [file.image_id for file in dataset.files] == expected
        assert sum(left.files for left in dataset.ignored) == 5  # two scenes, two masks, a link


def test_the_log_of_the_app_overwrites_nothing(theirs, monkeypatch):
    class Started:
        pid = 7

        def __init__(self, *_, stdout, **__):
            stdout.write("the app's")

    monkeypatch.setattr(subprocess, "Popen", Started)
    monkeypatch.setattr(app, "_answers", lambda *_: True)
    before = content(theirs)
    assert app.leave_running(open_workspace(theirs), app.Served("127.0.0.1", 8501)) == 7
    assert content(theirs) == before
    assert (theirs / ".comus-jobs/comus-app-8501.log").read_text() == "the app's"


def test_a_mark_is_made_with_its_folder_and_never_put_into_a_persons(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/a.png").touch()
    with pytest.raises(WorkspaceError, match="cache was not created by COMUS"):
        make_own(tmp_path / "cache")
    assert pictures_folder(tmp_path) == tmp_path / ".comus-cache/pictures"
    made = make_own(own_place(tmp_path, "cache"))
    assert make_own(made) == made and [p.name for p in made.iterdir()] == [MARK]
    (tmp_path / "cache/a.png").unlink()
    (tmp_path / "cache").rmdir()
    assert own_place(tmp_path, "cache") == made  # where it once was it stays
    assert sorted(p.name for p in tmp_path.iterdir()) == [".comus-cache"]


def test_artifacts_from_before_there_were_marks_are_known_without_one(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    for mark in workspace.root.rglob(MARK):
        mark.unlink()
    older = open_workspace(workspace.root)
    assert older.artifacts.root == workspace.root / "artifacts"
    assert verify(older) == []
    clean(older, EVERYTHING)
    again = discover(run.config, older)
    assert (again.id, again.result["computed"]) == (run.id, [])
