"""A lock holds as long as its process lives, also where the file system knows none and the holder's name stands in."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from comus_core import open_workspace
from comus_core.cli.main import cli
from comus_core.files.file_locks import is_locked, lock_text, missing_locks, take_lock
from comus_core.files.own_places import MARK
from comus_core.files.process_identity import ABROAD_SILENCE
from comus_core.jobs.launcher import supervisor_is_up, supervisor_pid, take_supervision
from comus_core.workspace.artifacts import ArtifactKey
from comus_core.workspace.claims import abandoned, claimed
from comus_core.workspace.stored import is_held

NONE = "import errno, fcntl\ndef none(*_):\n    raise OSError({fault}, 'none')\nfcntl.flock = none\n"
HOLDS = """
import sys, time
from pathlib import Path
from comus_core.files.file_locks import take_lock
lock = take_lock(Path(sys.argv[1]))
lock.write("mine")
print("held", flush=True)
time.sleep(60)
"""
CLAIMS = """
import os, signal, sys
from pathlib import Path
from comus_core.workspace.claims import claimed
with claimed(Path(sys.argv[1])) as claim:
    claim(Path(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(params=[None, errno.ENOLCK, errno.ENOTSUP], ids=["locks", "ENOLCK", "ENOTSUP"])
def prelude(request, monkeypatch):
    """What another process begins with to see the same file system as this one: with locks or without."""
    if request.param is None:
        return ""

    def none(*_):
        raise OSError(request.param, "none")

    monkeypatch.setattr(fcntl, "flock", none)
    return NONE.format(fault=request.param)


def test_a_lock_holds_until_its_process_dies(prelude, tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    holder = subprocess.Popen([sys.executable, "-c", prelude + HOLDS, path], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(path) and take_lock(path) is None and lock_text(path) == "mine"
    finally:
        holder.kill()
        holder.wait()
    assert not is_locked(path)
    lock = take_lock(path)
    assert lock is not None and lock.holds(path) and is_locked(path) and take_lock(path) is None
    lock.release()
    assert not is_locked(path)


def test_what_is_written_now_is_nobodys_only_when_its_process_is_dead(prelude, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    half = workspace.root / "half.zip"
    half.write_text("half")
    with claimed(workspace.root) as claim:
        claim(half)
        assert abandoned(workspace.root) == []
    assert [p.name for p in (workspace.root / "writing").iterdir()] == [MARK]
    subprocess.run([sys.executable, "-c", prelude + CLAIMS, workspace.root, half], check=False)
    (note,) = (workspace.root / "writing").glob("*.json")
    assert abandoned(workspace.root) == [half, note]


def test_an_artifact_is_held_while_it_is_made_and_free_after_a_fault(prelude, tmp_path):
    store, key = open_workspace(tmp_path / "w").artifacts, ArtifactKey("letters", 1)
    partial = store.root / "letters" / f"{key.fingerprint}.partial"

    def fails(folder):
        assert folder == partial and is_held(partial)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make(key, fails)
    assert not is_held(partial)
    made = store.make(key, lambda folder: (folder / "a").write_text("a"))
    assert made.file("a").read_text() == "a"


def test_the_supervisor_of_a_workspace_is_known_by_its_lock(prelude, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    assert not supervisor_is_up(workspace.root)
    lock = take_supervision(workspace.root)
    assert supervisor_is_up(workspace.root) and take_supervision(workspace.root) is None
    assert supervisor_pid(workspace) == os.getpid()
    lock.release()
    assert not supervisor_is_up(workspace.root) and supervisor_pid(workspace) is None


def test_the_doctor_says_what_is_missing(prelude, tmp_path):
    told = CliRunner().invoke(cli, ["doctor", "--workspace", str(tmp_path)])
    assert told.exit_code == 0, told.output
    words = f"the file system of {tmp_path} has no file locks: everything works, but run only one program"
    assert (words in told.output) == bool(prelude) == (missing_locks(tmp_path) is not None)


def test_another_machine_is_believed_as_long_as_it_gives_signs_of_life(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "none")

    monkeypatch.setattr(fcntl, "flock", none)
    path = tmp_path / "lock"
    path.write_text('{"pid": 1, "start": "1", "host": "far away", "boot_id": ""}\n')
    assert is_locked(path)
    long_ago = path.stat().st_mtime - ABROAD_SILENCE - 1
    os.utime(path, (long_ago, long_ago))
    assert not is_locked(path)


def test_a_fault_that_is_no_want_of_locks_is_told(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "broken")

    (tmp_path / "lock").touch()
    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(OSError, match="broken"):
        is_locked(tmp_path / "lock")
