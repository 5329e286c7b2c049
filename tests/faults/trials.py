"""What every trial of a disturbed run does: the attempt in words, the check afterwards, and the run once more."""

import json
import os
import signal
import subprocess
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any

from comus_core import discover, open_workspace, verify
from comus_core.config import RunConfig
from comus_core.errors import ComusError
from comus_core.files.system_faults import system_message
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.jobs.watching import artifact_bytes

FORK_SECONDS = 300.0  # of one trial: more is a hang
SECONDS = 600.0  # of a command


def attempted(config: RunConfig, folder: Path, settings: DiscoverSettings) -> str:
    """`done`, or how the run failed: an expected error, one of the system, or a bug with its traceback."""
    try:
        discover(config, open_workspace(folder), settings, device="cpu")
        return "done"
    except ComusError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        said = system_message(error)
        return f"system: {said}" if said else f"BUG {traceback.format_exc()}"


def resumed(config: RunConfig, folder: Path, settings: DiscoverSettings) -> dict:
    """The faults of the workspace, the run again without a disturbance, and the bytes in the end."""
    told: dict = {"faults": [f.fault for f in verify(open_workspace(folder)) if not f.harmless]}
    try:
        run = discover(config, open_workspace(folder), settings, device="cpu")
        told["second"] = run.state
    except Exception:
        told["second"] = traceback.format_exc()
    told["faults_after"] = [f.fault for f in verify(open_workspace(folder))]
    found = artifact_bytes(open_workspace(folder))
    told["bytes"] = {name: sha256(content).hexdigest() for name, content in found.items()}
    return told


def forked(work: Callable[[], dict], seconds: float = FORK_SECONDS) -> dict:
    """What `work` tells in a process of its own, which is killed after so many seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    late: list[int] = []
    timer = Timer(seconds, lambda: (late.append(child), os.kill(child, signal.SIGKILL)))
    timer.start()
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    timer.cancel()
    timer.join()  # nobody else may get the child's number before, nor a fork this thread
    status = os.waitpid(child, 0)[1]
    if late:
        return {"first": f"BUG not done after {seconds:g} s"}
    return {"first": f"BUG died with status {status}"} if status else json.loads(said)


def completed(command: Sequence[Any], seconds: float = SECONDS, **how: Any) -> subprocess.CompletedProcess:
    """The command with its output, in a session of its own, of which all processes are killed after so many seconds.

    Raises:
        subprocess.TimeoutExpired: they were.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(command, **pipes, **how) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()  # to the end of all that hold the pipes
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def require_whole(told: dict, undisturbed: dict) -> None:
    """A trial ended with an expected error or none, left no damage, and went on to the same bytes."""
    assert not told["first"].startswith("BUG"), told
    assert (told["faults"], told["second"], told["faults_after"]) == ([], "done", []), told
    assert told["bytes"] == undisturbed["bytes"], told
