"""In ever less memory a run ends in a sentence, the workspace verifies, and the run goes on to the same bytes.

What an undisturbed run needs is measured, and halved until nothing is left. The limit is that of the address space, as
of `ulimit -v`: whoever asks for more is refused, Python, NumPy, SQLite, Arrow and torch alike.
"""

import json
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from comus_core import open_workspace
from comus_core.files.memory_faults import OUT_OF_MEMORY
from tests.faults.trials import FORK_SECONDS, SECONDS, completed, forked, require_whole
from tests.jobs.watching import artifact_bytes

pytestmark = pytest.mark.thorough
ROOT = Path(__file__).parents[2]
CLEAR = (OUT_OF_MEMORY, "no more threads can be started")
LEAST = 2**24  # bytes: a smaller room beyond what the command needs to begin is none
MEASURED = """
import pathlib, sys
peak_file = sys.argv.pop(1)
try:
    from comus_core.cli import main
    main()
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmPeak:"))
    pathlib.Path(peak_file).write_text(peak.split()[1])
"""


def trials(settings: str, folder: Path, until: str, halvings: str, seconds: float = SECONDS) -> tuple[dict, list[dict]]:
    """What came of an undisturbed run, and of each in less memory, see `limited_run`."""
    command = [sys.executable, "-m", "tests.faults.limited_run", settings, folder, until, halvings]
    ended = completed(command, seconds, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    first, *disturbed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert first["first"] == "done" and first["needed"] > 2**20
    return first, disturbed


def hang() -> dict:
    time.sleep(FORK_SECONDS)
    return {"first": "done"}


def test_what_hangs_is_a_failed_trial_and_is_killed(tmp_path):
    assert forked(hang, 0.2) == {"first": "BUG not done after 0.2 s"}
    assert forked(lambda: {"first": "done"}, 30) == {"first": "done"}
    sleeper = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); os.fork(); time.sleep(600)"
    with pytest.raises(subprocess.TimeoutExpired):  # ends only when the child, too, has closed the pipes
        completed([sys.executable, "-c", sleeper, tmp_path / "begun"], 2)
    assert (tmp_path / "begun").exists()


def require_clear(said: str) -> None:
    assert said == "done" or any(words in said for words in CLEAR), said


def test_a_run_in_too_little_memory_says_so_and_goes_on_to_the_same_bytes(twelve, tmp_path):
    first, disturbed = trials(twelve, tmp_path, "saliency", "2,9")
    for told in disturbed:
        require_clear(told["first"])
        require_whole(told, first)
    assert disturbed[-1]["first"] != "done" and len(disturbed) == 2


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["masks", "comus"])
def test_every_limit_halved(twelve, tmp_path, detector):
    settings = json.loads(twelve)
    if detector != "masks":
        settings["saliency"] = {"detector": detector}
    first, disturbed = trials(
        json.dumps(settings), tmp_path, "clustering", "all", seconds=6 * SECONDS
    )  # each trial has its own limit
    for told in disturbed:
        require_clear(told["first"])
        require_whole(told, first)
    assert disturbed[-1]["first"] != "done" and len(disturbed) > 10


def comus(*words: object, limit: int | None = None, peak_file: Path | None = None) -> subprocess.CompletedProcess:
    """The command in a process whose address space has a limit, in bytes."""
    start = ["-m", "comus_core"] if peak_file is None else ["-c", MEASURED, peak_file]
    restrict = partial(resource.setrlimit, resource.RLIMIT_AS, (limit, limit)) if limit else None
    command = [sys.executable, *start, *words]
    return completed(command, cwd=ROOT, preexec_fn=restrict)


def peak_of(peak_file: Path, *words: object) -> int:
    """Bytes of the address space that the command needs."""
    ended = comus(*words, peak_file=peak_file)
    assert ended.returncode == 0, ended.stderr
    return int(peak_file.read_text()) * 1024


@pytest.mark.slow
def test_the_command_says_it_in_a_sentence(twelve, tmp_path):
    config = tmp_path / "settings.json"
    config.write_text(twelve)
    words = ("run", "--config", config, "--until", "clustering", "--workspace")
    needed = peak_of(tmp_path / "peak", *words, tmp_path / "whole")
    least = peak_of(tmp_path / "peak", "--version")
    whole = artifact_bytes(open_workspace(tmp_path / "whole"))
    room, said = (needed - least) // 2, []
    while room > LEAST:
        place = tmp_path / str(room)
        ended = comus(*words, place, limit=least + room)
        assert "Traceback" not in ended.stderr, ended.stderr
        if ended.returncode:
            said.append(ended.stderr.splitlines()[-1])
            assert ended.returncode == 1 and said[-1].startswith("comus: "), ended.stderr
            require_clear(said[-1])
        assert comus("verify", "--workspace", place).returncode == 0
        assert comus(*words, place).returncode == 0
        assert artifact_bytes(open_workspace(place)) == whole
        room //= 2
    assert len(said) >= 3
