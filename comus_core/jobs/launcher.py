"""Starting processes that outlive their starter: the supervisor of a workspace, and the job processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import comus_core
from comus_core.errors import WorkspaceError
from comus_core.files.file_locks import FileLock, is_locked, lock_holder, take_lock
from comus_core.files.own_places import own_place
from comus_core.files.process_identity import identify
from comus_core.jobs.logs import FOLDER, jobs_folder, last_words, rotate
from comus_core.login import without_login
from comus_core.workspace import Workspace

LOCK = "supervisor.lock"
LOG = "supervisor.log"
START_SECONDS = 30.0  # a slow disk may take this long to start Python

_started: list[subprocess.Popen[bytes]] = []  # kept so that ended supervisors are collected


@dataclass(frozen=True)
class Rules:
    """How a supervisor behaves.

    Attributes:
        idle_seconds: it leaves when there was nothing to do for so long.
        term_after: seconds from a cancel request to SIGTERM.
        kill_after: seconds from a cancel request to SIGKILL of the whole process group.
        at_once: jobs at the same time; None: COMUS_JOBS_AT_ONCE, else one a GPU, else one.
        stalled_after: seconds without a heartbeat and without use of a processor after which a job is ended and, by its
            `retries`, started again; 0: never.
    """

    idle_seconds: float = 60.0
    term_after: float = 10.0
    kill_after: float = 20.0
    at_once: int | None = None
    stalled_after: float = 300.0

    def as_options(self) -> list[str]:
        """The supervisor's command line options."""
        options = {k.replace("_", "-"): v for k, v in vars(self).items() if v is not None}
        return [word for name, value in options.items() for word in (f"--{name}", str(value))]


def ensure_supervisor(workspace: Workspace, rules: Rules | None = None) -> None:
    """See to it that the workspace has a supervisor; it survives the caller and leaves when idle.

    One that is there keeps its own rules.

    Raises:
        WorkspaceError: it does not start; says what its log says.
    """
    _started[:] = [child for child in _started if child.poll() is None]
    if supervisor_is_up(workspace.root):
        return
    log = jobs_folder(workspace.root) / LOG
    rotate(log)
    child = spawn("supervisor", workspace.root, (rules or Rules()).as_options(), log, folder=workspace.root)
    _started.append(child)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        code = child.poll()
        if supervisor_is_up(workspace.root) or code == 0:  # 0: it found another, or nothing to do, and left
            return
        if code is not None:
            raise WorkspaceError(f"the supervisor of jobs does not start: {last_words(log)} (see {log})")
        time.sleep(0.05)
    raise WorkspaceError(f"the supervisor of jobs did not start within {START_SECONDS:.0f} s: see {log}")


def spawn(
    module: str,
    root: Path,
    options: Sequence[str],
    log: Path,
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `python -m comus_core.jobs.MODULE` in a session of its own, its output appended to `log`.

    Raises:
        OSError: the system refuses another process, or a file.
    """
    command = [sys.executable, "-u", "-m", f"comus_core.jobs.{module}", "--workspace", str(root), *options]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env={**without_login(os.environ), **_python_path(), **(environment or {})},
        )


def take_supervision(root: Path) -> FileLock | None:
    """The lock of the workspace's supervisor; None if another process holds it."""
    return take_lock(jobs_folder(root) / LOCK)


def supervisor_is_up(root: Path) -> bool:
    """Whether a live process holds the supervisor's lock."""
    return is_locked(own_place(root, FOLDER) / LOCK)


def supervisor_pid(workspace: Workspace) -> int | None:
    """The process id of the workspace's supervisor; None if there is none on this machine."""
    for _ in range(100):
        if not supervisor_is_up(workspace.root):
            return None
        holder = lock_holder(own_place(workspace.root, FOLDER) / LOCK)
        if holder is not None and identify(holder.pid) == holder:
            return holder.pid
        time.sleep(0.01)  # it took the lock this instant and is about to write its name
    return None


def _python_path() -> dict[str, str]:
    """A checkout that was never installed is importable from anywhere."""
    home = Path(comus_core.__file__).resolve().parents[1]
    if home.name in ("site-packages", "dist-packages"):
        return {}
    return {"PYTHONPATH": os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])}
