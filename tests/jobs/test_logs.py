"""Logs are bounded while they are written, and nothing of the newest part is missing."""

import subprocess
import sys
import textwrap

from comus_core.jobs.logs import earlier_log, read_log, rotate
from tests.jobs.builders import job

CHATTY = """
import os, sys
from pathlib import Path
from comus_core.jobs.logs import rotate_own_output
for number in range(200):
    print(f"line {number:03d} " + "x" * 90, flush=True)
    os.write(2, b"error\\n")
    rotate_own_output(Path(sys.argv[1]), limit=5_000)
"""


def test_a_log_is_rotated_under_a_process_that_writes_it(tmp_path):
    log = tmp_path / "1.log"
    with log.open("ab") as output:
        command = [sys.executable, "-c", textwrap.dedent(CHATTY), str(log)]
        subprocess.run(command, stdout=output, stderr=output, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"1.log", "1.log.1"}
    assert all(path.stat().st_size < 5_300 for path in tmp_path.iterdir())
    text = read_log(job(log_path=log), 1_000_000)
    lines = [line for line in text.splitlines() if line.startswith("line")]
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], 200)) and len(numbers) > 50  # none is missing between the two files
    assert "--- continued from 1.log.1" in text


def test_a_small_log_and_one_that_is_not_there_stay_as_they_are(tmp_path):
    log = tmp_path / "1.log"
    assert not rotate(log, 10)
    log.write_text("short\n")
    assert not rotate(log, 10) and log.read_text() == "short\n" and not earlier_log(log).exists()
    assert rotate(log, 5) and earlier_log(log).read_text() == "short\n"
    log.write_text("new\n")
    assert read_log(job(log_path=log)) == "short\nnew\n"
    assert read_log(job(log_path=log), 4) == "new\n"
