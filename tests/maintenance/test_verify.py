"""What lies in finished artifacts is what was written: after kills, and when a byte of it has changed since."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from comus_core import discover, open_workspace, verify
from comus_core.cli.main import cli
from comus_core.errors import WorkspaceError
from comus_core.export.bundle import bundle
from comus_core.workspace import artifacts
from comus_core.workspace.artifacts import ArtifactKey
from comus_core.workspace.trainings import Training
from tests.builders import copy_of

pytestmark = pytest.mark.thorough

KEY = ArtifactKey("letters", 1)
KILLED = """
import os, signal, sys
from pathlib import Path
from comus_core.workspace.artifacts import ArtifactKey, ArtifactStore
from comus_core.files.atomic import replacing

def write(folder):
    with replacing(folder / "whole.bin") as temporary:
        temporary.write_bytes(b"w" * 100)
    writers = [replacing(folder / "checkpoint.pt"), replacing(folder / "masks" / "7.png")]
    for writer in writers:
        writer.__enter__().write_bytes(b"h" * 50_000)  # half of what was to be written
    os.kill(os.getpid(), signal.SIGKILL)

ArtifactStore(Path(sys.argv[1])).make(ArtifactKey("letters", 1), write)
"""


@pytest.fixture
def damaged(finished, tmp_path):
    """(workspace, run, folder of its features) with one bit of a vector flipped; the size is as it was."""
    workspace, run = copy_of(finished, tmp_path)
    file = workspace.artifact(run, "features").file("vectors.npy")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    assert np.isfinite(np.load(file)).all()
    return workspace, run, file.parent


def test_what_a_killed_writer_left_is_neither_listed_nor_kept(tmp_path):
    store = open_workspace(tmp_path).artifacts
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), store.root], check=False)
    half = store.root / "letters" / f"{KEY.fingerprint}.partial"
    assert ended.returncode == -signal.SIGKILL
    assert len([p for p in half.rglob(".*.tmp") if p.stat().st_size == 50_000]) == 2  # the fault is there to be met

    made = store.make(KEY, lambda folder: (folder / "new.bin").write_bytes(b"n"))
    assert sorted(made.manifest()["files"]) == ["new.bin", "whole.bin"]
    left = {p.relative_to(made.folder).as_posix() for p in made.folder.rglob("*") if p.is_file()}
    assert left == {"new.bin", "whole.bin", "manifest.json"}


def test_all_is_on_the_disk_before_it_is_named_finished(tmp_path, monkeypatch):
    """A power cut after the rename must not find a finished artifact with holes: the order is what can be seen."""
    done = []
    flush, rename = os.fsync, os.replace

    def flushed(handle):
        done.append(os.readlink(f"/proc/self/fd/{handle}"))
        flush(handle)

    def renamed(source, target):
        done.append(f"{source} -> {target}")
        rename(source, target)

    def write(folder):
        (folder / "masks").mkdir()
        (folder / "plain.bin").write_bytes(b"p")
        (folder / "masks" / "1.png").write_bytes(b"m")

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    made = open_workspace(tmp_path).artifacts.make(KEY, write)
    half = f"{made.folder}.partial"
    named = done.index(f"{half} -> {made.folder}")
    for path in ("plain.bin", "masks/1.png", "masks", ""):
        assert f"{half}/{path}".rstrip("/") in done[:named], path
    assert str(made.folder.parent) in done[named:]


def test_a_kill_between_the_last_two_steps_loses_nothing(tmp_path, monkeypatch):
    store = open_workspace(tmp_path).artifacts
    work = lambda ids, tick, _: pa.table({"id": ids})  # noqa: E731

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(artifacts.shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            store.make_sharded(KEY, ["a"], work, stage="letters", on_progress=lambda _: None)
    workspace = open_workspace(tmp_path)
    (fault,) = verify(workspace)
    assert (fault.fault, fault.harmless) == ("shards is not listed", True)
    store.make_sharded(KEY, ["a"], work, stage="letters", on_progress=lambda _: None)
    assert verify(workspace) == []


@pytest.mark.parametrize(("harm", "words"), [
    (lambda p: p.unlink(), "vectors.npy is gone"),
    (lambda p: p.write_bytes(p.read_bytes()[:-1]), r"vectors.npy has [\d,]+ bytes, not [\d,]+"),
    (lambda p: p.write_bytes(p.read_bytes()[:-1] + b"x"), r"vectors.npy has changed \(its SHA-256"),
    (lambda p: p.with_name("manifest.json").write_text("{"), "its manifest.json cannot be read"),
    (lambda p: p.with_name("more.bin").write_text("x"), "more.bin is not listed"),
])  # fmt: skip
def test_every_kind_of_damage_is_named_with_its_run_and_what_to_do(finished, tmp_path, harm, words):
    workspace, run = copy_of(finished, tmp_path)
    assert verify(workspace) == []
    folder = workspace.artifact(run, "features").folder
    harm(folder / "vectors.npy")
    told = CliRunner().invoke(cli, ["doctor", "--verify", "--workspace", str(workspace.root)])
    (fault,) = verify(workspace)
    assert (fault.kind, fault.folder, fault.runs) == ("features", folder, (run.id,))
    assert re.search(words, fault.fault) and re.search(words, told.stdout)
    if "not listed" in words:
        assert fault.advice == "it may be deleted" and told.exit_code == 0
    else:
        assert f"delete {folder}, then run {run.id} again" in told.stdout
        assert isinstance(told.exception, WorkspaceError) and "1 artifacts" in str(told.exception)


def test_the_advice_given_mends_it(damaged):
    workspace, run, folder = damaged
    with pytest.raises(WorkspaceError, match=r"vectors\.npy has changed.*delete .* and run again"):
        discover(run.config, workspace)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    (fault,) = verify(workspace)
    assert fault.fault == "it is gone" and fault.advice.startswith(f"run {run.id} again")
    assert discover(run.config, workspace).result["computed"] == ["features"]
    assert verify(workspace) == []


def test_flipped_vectors_are_not_bundled(damaged, tmp_path):
    workspace, run, folder = damaged
    with pytest.raises(WorkspaceError, match=f"features {folder.name}: vectors.npy has changed"):
        bundle(workspace, run.id, tmp_path / "out.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["w"]


def test_a_photograph_that_changed_since_the_run_is_not_bundled_as_its_own(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    rows = workspace.artifact(run, "images").table(["path"]).to_pylist()
    folder = tmp_path / "photographs"
    for row in rows:
        (folder / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / row["path"]).write_bytes((workspace.images_root(run) / row["path"]).read_bytes())
    told = {**run.provenance, "root": str(folder)}
    with workspace.database.writing() as connection:
        connection.execute("UPDATE runs SET provenance = ? WHERE id = ?", (json.dumps(told), run.id))
    assert bundle(workspace, run.id, tmp_path / "out.zip").photographs == len(rows)
    other = folder / rows[3]["path"]
    other.write_bytes((folder / rows[4]["path"]).read_bytes())
    with pytest.raises(WorkspaceError, match=f"{other.name}.* has changed since the run"):
        bundle(workspace, run.id, tmp_path / "out.zip")
    assert bundle(workspace, run.id, tmp_path / "out.zip", photographs=False).photographs == 0


def test_a_network_that_is_gone_is_named_with_its_run(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    gone = {"network-1": "0123456789abcdef"}
    workspace.trainings.save(Training(f"{run.id}-1", run.id, "done", {}, gone, {}))
    (fault,) = verify(workspace)
    assert (fault.kind, fault.folder.name, fault.runs) == ("network", "0123456789abcdef", (run.id,))
