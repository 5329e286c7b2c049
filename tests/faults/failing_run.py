"""A run of which the Nth change of a file fails, for each N asked: `python -m tests.faults.failing_run`, preloaded.

    LD_PRELOAD=failing_writes.so python -m tests.faults.failing_run LIBRARY SETTINGS FOLDER UNTIL N[!][,N[!]...]

Everything is imported once; each trial is a fork. It prints one JSON line a trial, the first of a run of which nothing
fails. N is a number, or with a point a share of that run's changes; with `!` all that come after it fail too.
"""

import contextlib
import ctypes
import errno
import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path

from comus_core import discover, make_config, open_workspace
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.faults.trials import attempted, forked, resumed

CODES = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}


def trial(library, config, settings, folder: Path, number: int, lasting: bool) -> dict:
    """Run with one failure, then verify, and run again without: how each went, and the bytes in the end."""
    code = list(CODES.values())[number % 2]
    told = {"n": number, "code": errno.errorcode[code]}
    library.faults_arm(os.fsencode(folder), number, code, int(lasting))
    told["first"] = attempted(config, folder, settings)
    told |= {"counted": library.faults_counted(), "call": library.faults_call().decode()}
    library.faults_arm(None, 0, 0, 0)
    return told | resumed(config, folder, settings)


def main() -> None:
    """Fork a trial for each number."""
    path, described, root, until, asked = sys.argv[1:]
    library = ctypes.CDLL(path)
    library.faults_arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.c_int]
    library.faults_counted.restype, library.faults_call.restype = ctypes.c_long, ctypes.c_char_p
    config, settings = make_config(**json.loads(described)), DiscoverSettings(until)
    warm = Path(root) / "warm"
    with contextlib.redirect_stdout(sys.stderr):
        discover(config, open_workspace(warm), settings, device="cpu")  # every module is loaded
    counted = 0
    for word in ["0", *asked.split(",")]:
        plain = word.rstrip("!")
        number = int(float(plain) * counted) if "." in plain else int(plain)
        folder = Path(root) / str(number)
        work = partial(trial, library, config, settings, folder, number, word != plain)
        told = {"n": number} | forked(work)
        counted = counted or told["counted"]
        print(json.dumps(told), flush=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
