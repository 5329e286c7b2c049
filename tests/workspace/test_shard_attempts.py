"""What kills its process again and again is set aside, and told; a kill that was not its fault changes nothing."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pyarrow as pa
import pytest

from comus_core.errors import WorkspaceError
from comus_core.files.own_places import make_own
from comus_core.files.process_identity import identify
from comus_core.types import no_progress
from comus_core.workspace.artifacts import Artifact, ArtifactKey, ArtifactStore
from comus_core.workspace.shard_attempts import SET_ASIDE, attempt_at, excuse
from comus_core.workspace.stored import folders_of_process

pytestmark = pytest.mark.thorough


KEY = ArtifactKey("letters", 1)
IDS = [f"id{n:02d}" for n in range(10)]
KILLED = -signal.SIGKILL
PROCESSES = multiprocessing.get_context("fork")  # the packages are imported once for all


def make(
    root: Path, deadly: tuple[str, ...] = (), instead=None, ids=IDS, shard_size=4, asked=None, begun=None
) -> Artifact:
    """The artifact; work on a deadly id kills this process as a kernel without memory does."""

    def work(some, tick, folder):
        if asked is not None:
            asked.append(tuple(some))
        if begun is not None:
            begun.set()
            time.sleep(120)
        if set(some) & set(deadly):
            os.kill(os.getpid(), signal.SIGKILL)
        tick(len(some))
        return pa.table({"id": list(some), "upper": [i.upper() for i in some]})

    options = {"stage": "letters", "on_progress": no_progress, "instead": instead, "shard_size": shard_size}
    return ArtifactStore(root / "artifacts").make_sharded(KEY, ids, work, **options)


def in_a_process(root: Path, deadly: tuple[str, ...] = (), shard_size: int = 4, ids: list[str] = IDS) -> int:
    """The exit code of a process that makes the artifact."""
    process = PROCESSES.Process(target=make, args=(root, deadly), kwargs={"shard_size": shard_size, "ids": ids})
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def attempts(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*.attempt.json"))


def test_an_image_that_kills_again_and_again_is_set_aside_and_the_others_are_done(tmp_path):
    codes = [in_a_process(tmp_path, ("id05",)) for _ in range(4)]
    # Twice with its shard, once alone; then it is known.
    assert codes == [KILLED, KILLED, KILLED, 0]
    artifact = make(tmp_path)
    assert artifact.table().column("id").to_pylist() == [i for i in IDS if i != "id05"]
    assert artifact.table().column("upper").to_pylist() == [i.upper() for i in IDS if i != "id05"]
    assert list(artifact.set_aside()) == ["id05"]
    reason = artifact.set_aside()["id05"]
    assert "killed 3 times" in reason and f"delete artifacts/letters/{KEY.fingerprint} and run again" in reason
    assert SET_ASIDE in artifact.manifest()["files"] and attempts(tmp_path) == []


def test_two_in_one_shard_and_one_in_another_are_all_found(tmp_path):
    deadly = ("id00", "id03", "id09")
    codes = [in_a_process(tmp_path, deadly) for _ in range(8)]
    assert codes == [KILLED] * 7 + [0]  # two with the shard and one each alone, twice two and one of them
    artifact = make(tmp_path)
    assert sorted(artifact.set_aside()) == sorted(deadly)
    assert artifact.table().column("id").to_pylist() == [i for i in IDS if i not in deadly]


def test_a_row_may_stand_for_what_is_set_aside(tmp_path):
    for _ in range(3):
        in_a_process(tmp_path, ("id05",))
    artifact = make(tmp_path, instead=lambda one, reason: pa.table({"id": [one], "upper": [reason[:11]]}))
    rows = dict(zip(*artifact.table().to_pydict().values(), strict=True))
    assert list(rows) == IDS and rows["id05"] == "the process"


def test_after_one_kill_the_same_shard_is_worked_as_before_and_nothing_is_left_of_it(tmp_path):
    assert in_a_process(tmp_path, ("id05",)) == KILLED
    assert attempts(tmp_path) == ["000000004.attempt.json"]
    asked: list[tuple[str, ...]] = []
    artifact = make(tmp_path, asked=asked)
    assert asked == [tuple(IDS[4:8]), tuple(IDS[8:])]
    assert artifact.manifest() == make(tmp_path / "other").manifest() and artifact.set_aside() == {}


def test_after_two_kills_a_shard_is_worked_image_by_image_and_the_others_are_not(tmp_path):
    for _ in range(2):
        in_a_process(tmp_path, ("id05",))
    asked: list[tuple[str, ...]] = []
    artifact = make(tmp_path, asked=asked)  # now there is memory enough
    assert asked == [("id04",), ("id05",), ("id06",), ("id07",), tuple(IDS[8:])]
    assert artifact.set_aside() == {} and artifact.table().column("id").to_pylist() == IDS


def test_a_fault_or_a_cancelled_run_is_no_kill(tmp_path):
    def fails(ids, tick, folder):
        raise KeyboardInterrupt

    store = ArtifactStore(tmp_path / "artifacts")
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            store.make_sharded(KEY, IDS, fails, stage="letters", on_progress=no_progress, shard_size=4)
    assert attempts(tmp_path) == []
    assert make(tmp_path).set_aside() == {}


def test_a_half_written_record_is_none(tmp_path):
    shards = make_own(tmp_path / "artifacts") / "letters" / f"{KEY.fingerprint}.partial" / "shards"
    shards.mkdir(parents=True)
    (shards / "000000000.attempt.json").write_text('{"kills": 7, "at_w')
    assert make(tmp_path).set_aside() == {}


def test_a_shard_of_which_nothing_is_left_is_left_out_and_none_at_all_is_told(tmp_path):
    for _ in range(4):
        in_a_process(tmp_path / "some", ("id05",), shard_size=1)
    assert make(tmp_path / "some", shard_size=1).table().num_rows == 9
    for _ in range(3):
        in_a_process(tmp_path / "one", ("id05",), ids=["id05"])
    with pytest.raises(WorkspaceError, match=r"letters: all images were skipped.*killed 3 times"):
        make(tmp_path / "one", ids=["id05"])


def test_the_record_names_what_is_at_work(tmp_path):
    for _ in range(3):
        in_a_process(tmp_path, ("id05",))
    (file,) = tmp_path.rglob("*.attempt.json")
    assert json.loads(file.read_text()) == {"kills": 2, "at_work": True, "image": "id05", "set_aside": {}}


def test_a_kill_that_was_excused_beforehand_does_not_count_and_one_that_was_not_does(tmp_path):
    for excused, kills in ((True, 0), (False, 1), (True, 1)):
        begun = PROCESSES.Event()
        process = PROCESSES.Process(target=make, args=(tmp_path,), kwargs={"begun": begun})
        process.start()
        assert begun.wait(120)
        os.kill(process.pid, signal.SIGSTOP)
        (partial,) = folders_of_process(tmp_path / "artifacts", identify(process.pid))
        if excused:
            excuse(partial / "shards")
        process.kill()
        process.join(120)
        assert attempt_at(partial / "shards" / "000000000.parquet", "").kills == kills
