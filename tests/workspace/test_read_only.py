import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from comus_core import open_workspace
from comus_core.errors import WorkspaceError
from comus_core.jobs import list_jobs
from comus_core.workspace import database
from tests.unprivileged import closed, comus_unprivileged, open_to_all

pytestmark = pytest.mark.thorough


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """Each file's bytes and time of change."""
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted([folder, *folder.rglob("*")])}


@pytest.fixture
def stored(finished, tmp_path):
    """(folder, run id) of a copy whose last decision still lies in SQLite's log."""
    folder, run = tmp_path / "workspace", finished[1]
    shutil.copytree(finished[0].root, folder)
    files = [folder / "comus.sqlite", folder / "comus.sqlite-wal"]
    holding = sqlite3.connect(files[0])  # while somebody holds it, what is written stays in the log
    holding.execute("SELECT count(*) FROM events").fetchone()
    open_workspace(folder).decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=1, name="in the log")
    kept = [file.read_bytes() for file in files]
    assert b"in the log" in kept[1] and b"in the log" not in kept[0]
    holding.close()
    for file, content in zip(files, kept, strict=True):  # as a kill leaves it
        file.write_bytes(content)
    return folder, run.id


def test_a_workspace_that_may_only_be_read_is_looked_at_and_left_as_it_was(stored, tmp_path):
    folder, run = stored
    closed(folder)
    before, place = everything(folder), ("--workspace", str(folder))
    mine = open_to_all(tmp_path / "mine")
    for words in [
        ("runs",),
        ("clusters", "list", run),
        ("jobs", "list"),
        ("bundle", run, "--out", str(mine / "x.zip")),
    ]:
        done = comus_unprivileged(*words, *place, TMPDIR=str(mine))
        assert done.returncode == 0, (words, done.stderr)
        if words[:2] == ("clusters", "list"):
            assert "in the log" in done.stdout
    for words in [
        ("clusters", "rename", run, "0", "x"),
        ("runs", "rename", run, "x"),
        ("run", "demo", "--clusters", "3"),
        ("run", "demo", "--background"),
        ("jobs", "show", "1"),
        ("jobs", "resume", "1"),
    ]:
        done = comus_unprivileged(*words, *place, TMPDIR=str(mine))
        assert done.returncode == 1 and "Traceback" not in done.stderr, (words, done.stderr)
        assert done.stderr.splitlines()[-1].startswith("comus: ") and str(folder) in done.stderr
    assert everything(folder) == before
    assert [p.name for p in mine.iterdir() if p.name != "x.zip"] in ([], ["comus-12345"])


@pytest.fixture
def only_read(finished, tmp_path, monkeypatch):
    """(workspace, run): a copy opened to write; every workspace opened from now on may only be read."""
    shutil.copytree(finished[0].root, tmp_path / "workspace")
    writer = open_workspace(tmp_path / "workspace")
    monkeypatch.setattr(database, "is_read_only", lambda _: True)
    return writer, finished[1]


def test_writing_is_refused_in_a_sentence_and_changes_made_elsewhere_are_seen(only_read):
    writer, run = only_read
    place = open_workspace(writer.root)
    with pytest.raises(WorkspaceError, match=r"is read-only.*use a writable copy"):
        place.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=0, name="x")
    assert place.decisions_of(run).names == {} and list_jobs(place) == []
    writer.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=0, name="made elsewhere")
    assert place.decisions_of(run).names == {0: "made elsewhere"}


def test_a_table_that_an_older_program_did_not_make_is_no_obstacle(only_read):
    connection = sqlite3.connect(only_read[0].root / "comus.sqlite")
    connection.execute("DROP TABLE IF EXISTS jobs")
    connection.close()
    assert list_jobs(open_workspace(only_read[0].root)) == []


def as_an_older_program_left_it(path: Path) -> None:
    """Without what is worked out from the decisions, and without some tables."""
    with closing(sqlite3.connect(path)) as connection:
        tables = ("steps", "checkpoints", "attempts", "selections", "training_steps")
        connection.executescript(
            "DROP TRIGGER IF EXISTS steps_of_no_event;" + "".join(f"DROP TABLE IF EXISTS {table};" for table in tables)
        )


def test_decisions_that_an_older_program_left_are_shown(only_read):
    writer, run = only_read
    clustering = run.artifacts["clustering"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "is_read_only", lambda _: False)
        writer.decisions.append(run.id, clustering, "rename", cluster=0, name="first")
        writer.decisions.append(run.id, clustering, "rename", cluster=0, name="second")
        writer.decisions.append(run.id, clustering, "undo")
    as_an_older_program_left_it(writer.database.path)
    before, place = everything(writer.root), open_workspace(writer.root)
    for opened in (place, open_workspace(writer.root)):
        ways = opened.decisions.undo_state(run.id, clustering)
        assert ways.state.names == {0: "first"} and ways.redoable.event.payload["name"] == "second"
    assert everything(writer.root) == before
    with closing(sqlite3.connect(writer.database.path)) as connection, connection:  # the older program goes on
        row = ("INSERT INTO events (run, clustering, at, kind, payload) VALUES (?, ?, '', 'redo', '{}')",)
        connection.execute(*row, (run.id, clustering))
    assert place.decisions_of(run).names == {0: "second"}
    assert place.trainings.of_run(run.id) == [] and place.runs.get(run.id).state == "done"


def test_without_a_database_there_is_nothing_to_look_at(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "is_read_only", lambda _: True)
    with pytest.raises(WorkspaceError, match="is read-only"):
        open_workspace(tmp_path)
    assert os.listdir(tmp_path) == []
