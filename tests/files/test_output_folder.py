"""Results go where nothing else is, replace only earlier ones, and a kill leaves no mixture that looks whole."""

import errno
import fcntl
import json
import os
import subprocess
import sys

import pytest

from comus_core import open_workspace
from comus_core.errors import WorkspaceError
from comus_core.files.output_folder import OutputFolder
from comus_core.files.own_folders import MARKER
from tests.datasets.test_many_files import without_privileges

pytestmark = pytest.mark.thorough

KIND = "predictions"


def put(folder, files, *, force=False, kind=KIND):
    """Write these files (path -> text) as results; `list.json` is their list."""
    output = OutputFolder(folder, kind, force)
    with output.writing({"run": "a"}, "list.json") as new:
        for name, text in {**files, "list.json": json.dumps(sorted(files))}.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_text(text)


def content(folder):
    """Path -> text of everything but the marker."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p.name != MARKER}
    return {name: path.read_text() for name, path in sorted(found.items()) if name != "list.json"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "out"


def test_earlier_results_go_and_new_ones_come(folder):
    put(folder, {"masks/a.png": "1", "masks/more/b.png": "2", "classes.txt": "x"})
    put(folder, {"masks/a.png": "3", "masks/c.png": "4"})
    assert content(folder) == {"masks/a.png": "3", "masks/c.png": "4"}
    assert not (folder / "masks/more").exists() and json.loads((folder / "list.json").read_text()) == [
        "masks/a.png", "masks/c.png"]  # fmt: skip


def test_what_a_person_puts_beside_the_results_stays(folder):
    put(folder, {"masks/a.png": "1"})
    (folder / "notes.txt").write_text("mine")
    (folder / "masks/mine.png").write_text("mine")
    put(folder, {"masks/b.png": "2"})
    assert content(folder) == {"masks/b.png": "2", "masks/mine.png": "mine", "notes.txt": "mine"}


def test_a_folder_of_somebody_elses_is_refused_and_named_and_force_replaces_only_equal_names(folder):
    (folder / "masks").mkdir(parents=True)
    mine = {"masks/a.png": "mine", "masks/b.png": "mine", "classes.txt": "mine", "notes": "mine"}
    for name, text in mine.items():
        (folder / name).write_text(text)
    with pytest.raises(WorkspaceError, match=r"holds classes\.txt, masks, notes, which .*another folder, or --force"):
        put(folder, {"masks/a.png": "1"})
    assert content(folder) == mine and not (folder / MARKER).exists()
    assert OutputFolder(folder, KIND, True).in_the_way(["masks/a.png", "masks/c.png"]) == ["masks/a.png"]
    put(folder, {"masks/a.png": "1", "masks/c.png": "2"}, force=True)
    assert content(folder) == mine | {"masks/a.png": "1", "masks/c.png": "2"}
    put(folder, {"masks/d.png": "3"})  # its own by now, but what was never its own stays
    assert content(folder) == {name: "mine" for name in mine if name != "masks/a.png"} | {"masks/d.png": "3"}


def test_a_result_that_somebody_worked_on_is_not_replaced_unasked(folder):
    put(folder, {"masks/a.png": "1", "masks/b.png": "2"})
    (folder / "masks/a.png").write_text("corrected")
    with pytest.raises(WorkspaceError, match=r"holds masks/a\.png, changed since"):
        put(folder, {"masks/a.png": "3"})
    assert content(folder) == {"masks/a.png": "corrected", "masks/b.png": "2"}
    put(folder, {"masks/c.png": "3"}, force=True)  # nothing needs its name
    assert content(folder) == {"masks/a.png": "corrected", "masks/c.png": "3"}


def test_a_file_of_a_person_in_the_way_of_a_new_result_is_named(folder):
    put(folder, {"masks/a.png": "1"})
    (folder / "masks/b.png").write_text("mine")
    with pytest.raises(WorkspaceError, match=r"holds masks/b\.png, which this program did not write"):
        put(folder, {"masks/b.png": "2"})
    assert content(folder) == {"masks/a.png": "1", "masks/b.png": "mine"}


def test_results_are_never_written_through_a_link(folder, tmp_path):
    (tmp_path / "truth").mkdir()
    put(folder, {"classes.txt": "x"})
    (folder / "masks").symlink_to(tmp_path / "truth")
    for force in (False, True):
        with pytest.raises(WorkspaceError, match="masks must be a folder, no file and no link"):
            put(folder, {"masks/a.png": "1"}, force=force)
    assert os.listdir(tmp_path / "truth") == [] and content(folder) == {"classes.txt": "x"}


def test_a_fault_while_writing_leaves_the_earlier_results(folder):
    put(folder, {"masks/a.png": "1"})
    before = (folder / MARKER).read_text()
    with pytest.raises(RuntimeError), OutputFolder(folder, KIND).writing({}, "list.json") as new:
        (new / "list.json").write_text("half")
        raise RuntimeError
    assert content(folder) == {"masks/a.png": "1"} and (folder / MARKER).read_text() == before
    assert sorted(os.listdir(folder)) == [MARKER, "list.json", "masks"]


KILLED = """
import os, sys
from pathlib import Path
from tests.files.test_output_folder import put
left, own = int(sys.argv[2]), os.replace
def replace_or_die(a, b):
    global left
    if ".tmp" not in str(a):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
    own(a, b)
os.replace = replace_or_die
put(Path(sys.argv[1]), {"masks/a.png": "new", "masks/c.png": "new"})
"""


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_kill_between_two_moves_leaves_no_list_and_the_next_command_mends_it(folder, moves):
    put(folder, {"masks/a.png": "old", "masks/b.png": "old"})
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(moves)], capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    assert not (folder / "list.json").exists()
    put(folder, {"masks/a.png": "newer"})
    assert content(folder) == {"masks/a.png": "newer"}
    assert sorted(os.listdir(folder)) == [MARKER, "list.json", "masks"]


def test_two_commands_do_not_write_into_one_folder_at_once(folder):
    put(folder, {"a": "1"})
    with OutputFolder(folder, KIND).writing({}, "list.json") as new:
        with pytest.raises(WorkspaceError, match="another program writes"):
            put(folder, {"a": "2"})
        (new / "list.json").write_text("[]")


def test_where_the_file_system_knows_no_locks_results_are_written_all_the_same(folder, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    put(folder, {"a": "1"})
    assert content(folder) == {"a": "1"} and sorted(os.listdir(folder)) == [MARKER, "a", "list.json"]


def test_what_cannot_hold_results_is_a_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("x")
    open_workspace(tmp_path / "w")
    put(tmp_path / "other", {"a": "1"}, kind="drawings")
    put(tmp_path / "damaged", {"a": "1"})
    (tmp_path / "damaged" / MARKER).write_text('{"version": 1}')
    put(tmp_path / "newer", {"a": "1"})
    (tmp_path / "newer" / MARKER).write_text('{"version": 99}')
    for name, words in {
        "file": "a file is in its place",
        "file/below": "a file is in its place",
        "w": "is a workspace",
        "other": "holds drawings, not predictions",
        "damaged": "cannot be read",
        "newer": "newer program",
    }.items():
        for force in (False, True):
            with pytest.raises(WorkspaceError, match=words):
                OutputFolder(tmp_path / name, KIND, force).require_usable()


def test_a_folder_that_may_not_be_written_is_a_sentence(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    for above in (*folder.parents,)[:4]:
        above.chmod(0o755)
    with without_privileges(), pytest.raises(WorkspaceError, match=r"cannot write .*Permission denied; name another"):
        OutputFolder(folder, KIND).require_usable()


def test_a_file_managers_own_files_are_nobodys(folder):
    folder.mkdir(parents=True)
    (folder / ".DS_Store").write_text("x")
    put(folder, {"a": "1"})
    assert json.loads((folder / MARKER).read_text())["alone"] is True
