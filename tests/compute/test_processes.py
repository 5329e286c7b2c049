"""Several processes give the bytes that one gives, whatever happens to them."""

import os
import time
from pathlib import Path

import pytest

from comus_core.errors import Cancelled, ComputeError, DatasetError
from comus_core.workspace.shard_attempts import SET_ASIDE
from tests.compute import letters


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return letters.make(tmp_path_factory.mktemp("alone"), "local").manifest()["files"]


def test_the_same_bytes_and_every_step_is_told(tmp_path, alone):
    steps = []
    artifact = letters.make(tmp_path, "processes:2", on_progress=lambda p: steps.append((p.step, p.total)))
    assert artifact.manifest()["files"] == alone
    assert steps[0] == (0, 12) and steps[-1] == (12, 12) and steps == sorted(steps)


def test_a_worker_that_is_killed_is_replaced(tmp_path, alone):
    artifact = letters.make(tmp_path, "processes:2", {"image05.png": letters.dies_once})
    assert (tmp_path / "marks" / "image05.png.killed").exists()
    assert artifact.manifest()["files"] == alone


def test_an_image_that_always_kills_is_set_aside_with_the_reason(tmp_path):
    artifact = letters.make(tmp_path, "processes:1", {"image05.png": letters.dies})
    assert "killed 3 times" in artifact.set_aside()["image05.png"] and (artifact.folder / SET_ASIDE).exists()
    assert artifact.table(["id"]).num_rows == 11


def test_a_shard_that_kills_every_worker_is_an_error_with_its_images(tmp_path):
    with pytest.raises(ComputeError, match=r"6 workers ended.*image04.png, image05.png, image06.png and 1 more.*exit"):
        letters.make(tmp_path, "processes:1", {f"image0{n}.png": letters.dies for n in (4, 5, 6, 7)})


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        (letters.fails, ComputeError, "letters: image image06.png: ZeroDivisionError: a fault in image06.png"),
        (letters.refuses, DatasetError, "image image06.png: no such thing"),
    ],
)
def test_a_fault_is_told_with_the_name_of_its_image_and_is_no_kill(tmp_path, alone, what, error, words):
    with pytest.raises(error, match=words):
        letters.make(tmp_path, "processes:2", {"image06.png": what})
    assert not list(tmp_path.rglob("*.attempt.json"))
    assert letters.make(tmp_path, "local").manifest()["files"] == alone


def test_what_cannot_be_sent_is_told(tmp_path):
    import threading

    with pytest.raises(ComputeError, match=r"letters: this part cannot be sent.*--compute local"):
        letters.make(tmp_path, "processes:2", {"image06.png": threading.Lock()})


def test_cancelling_ends_the_workers_and_blames_nobody(tmp_path):
    marks = tmp_path / "marks"

    def cancel(_):
        if len(list(marks.glob("*.pid"))) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        letters.make(tmp_path, "processes:2", dict.fromkeys(letters.IDS, letters.waits), cancel)
    for pid in [int(path.stem) for path in marks.glob("*.pid")]:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not list(tmp_path.rglob("*.attempt.json"))


def test_workers_end_with_their_starter(tmp_path):
    child = os.fork()
    if not child:
        letters.make(tmp_path, "processes:1", dict.fromkeys(letters.IDS, letters.waits))
        os._exit(0)
    end = time.monotonic() + 60
    while not (pids := list((tmp_path / "marks").glob("*.pid"))):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    while Path(f"/proc/{pids[0].stem}").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
