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
import traceback
from functools import partial
from hashlib import sha256
from pathlib import Path

from comus_core import discover, make_config, open_workspace, verify
from comus_core.errors import ComusError
from comus_core.files.system_faults import system_message
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.jobs.watching import artifact_bytes

CODES = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}


def trial(library, config, settings, folder: Path, number: int, lasting: bool) -> dict:
    """Run with one failure, then verify, and run again without: how each went, and the bytes in the end."""
    code = list(CODES.values())[number % 2]
    told = {"n": number, "code": errno.errorcode[code]}
    library.faults_arm(os.fsencode(folder), number, code, int(lasting))
    try:
        discover(config, open_workspace(folder), settings, device="cpu")
        told["first"] = "done"
    except ComusError as error:
        told["first"] = f"{type(error).__name__}: {error}"
    except Exception as error:
        said = system_message(error)
        told["first"] = f"system: {said}" if said else f"BUG {traceback.format_exc()}"
    told |= {"counted": library.faults_counted(), "call": library.faults_call().decode()}
    library.faults_arm(None, 0, 0, 0)
    told["faults"] = [f.fault for f in verify(open_workspace(folder)) if not f.harmless]
    try:
        run = discover(config, open_workspace(folder), settings, device="cpu")
        told["second"] = run.state
    except Exception:
        told["second"] = traceback.format_exc()
    told["faults_after"] = [f.fault for f in verify(open_workspace(folder))]
    found = artifact_bytes(open_workspace(folder))
    told["bytes"] = {name: sha256(content).hexdigest() for name, content in found.items()}
    return told


def forked(number: int, work) -> dict:
    """What `work` tells in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    return {"n": number, "first": f"BUG died with status {status}"} if status else json.loads(said)


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
        told = forked(number, partial(trial, library, config, settings, folder, number, word != plain))
        counted = counted or told["counted"]
        print(json.dumps(told), flush=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
