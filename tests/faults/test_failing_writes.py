"""Every write of a run fails once, as SQLite tests itself: afterwards the workspace verifies and the run goes on.

What fails is any of libc's calls that change a file: opening, writing, truncating, flushing, renaming, of Python,
SQLite and Arrow alike; in turn with "no space left" and with "input/output error".
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.trials import require_whole

pytestmark = pytest.mark.thorough
ROOT = Path(__file__).parents[2]


def trials(settings, library, environment, folder, until, numbers):
    """What came of an undisturbed run, and of each at whose Nth write the disk failed, see `failing_run`."""
    command = [sys.executable, "-m", "tests.faults.failing_run", library, settings, folder, until, numbers]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    first, *disturbed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert first["first"] == "done" and first["counted"] > 300
    return first, disturbed


def test_a_write_that_fails_damages_nothing_and_the_run_goes_on_to_the_same_bytes(
    twelve, failing_writes, preloaded, tmp_path
):
    shares = "0.06,0.29,0.51,0.83,0.97,0.4!"  # at the last the disk stays full
    first, disturbed = trials(twelve, failing_writes, preloaded, tmp_path, "saliency", shares)
    for told in disturbed:
        require_whole(told, first)
    assert disturbed[-1]["first"] != "done" and len(disturbed) == 6


@pytest.mark.slow
@pytest.mark.parametrize("lasting", ["", "!"], ids=["once", "from then on"])
def test_every_write_of_a_run_fails(twelve, failing_writes, preloaded, tmp_path, lasting):
    stride = int(os.environ.get("COMUS_FAULT_STRIDE", "1"))  # 1: every one
    numbers = ",".join(f"{number}{lasting}" for number in range(1, 1500, stride))
    first, disturbed = trials(twelve, failing_writes, preloaded, tmp_path, "clustering", numbers)
    assert first["counted"] < 1500
    for told in disturbed:
        require_whole(told, first)
