"""Whether what a server needs is well: database, disk, supervisor, device and weights; and what to do where not.

`comus doctor` and `/api/ready` say the same from here. Imports no torch, and answers within a moment.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comus_core.config import RunConfig
from comus_core.errors import ComusError, WorkspaceError
from comus_core.jobs.actions import list_jobs
from comus_core.jobs.devices import DEVICES, gpu_names
from comus_core.jobs.launcher import supervisor_is_up, supervisor_pid
from comus_core.jobs.records import ACTIVE
from comus_core.pipelines.model_selection import resolve
from comus_core.text import counted, size
from comus_core.weights.store import weights_table
from comus_core.workspace import Workspace
from comus_core.workspace.read_only import is_read_only

LEAST_FREE = 256 << 20  # bytes below which a run cannot write what it makes
LITTLE_FREE = 4 << 30  # bytes below which one is told
DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: `database`, `disk`, `supervisor`, `device` or `weights`.
        well: whether it works.
        words: its state, in one line.
        action: what to do about it, empty where nothing is to be done.
        needed: whether a server without it cannot do its work.
    """

    name: str
    well: bool
    words: str
    action: str = ""
    needed: bool = True

    def as_json(self) -> dict[str, Any]:
        """As `/api/ready` says it."""
        return {"well": self.well, "state": self.words} | ({"do": self.action} if self.action else {})


def health(workspace: Workspace, *, only_needed: bool = False) -> list[Check]:
    """All checks; with `only_needed` those without which a server cannot work, and none that waits for a writer."""
    checks: list[tuple[str, Callable[[Workspace], Check], bool]] = [
        ("database", _readable if only_needed else _database, True),
        ("disk", _disk, True),
        ("supervisor", _supervisor, True),
        ("device", _device, False),
        ("weights", _weights, False),
    ]
    return [_checked(name, check, workspace, needed) for name, check, needed in checks if needed or not only_needed]


def is_ready(checks: list[Check]) -> bool:
    """Whether nothing that is needed is broken."""
    return all(check.well for check in checks if check.needed)


def _checked(name: str, check: Callable[[Workspace], Check], workspace: Workspace, needed: bool) -> Check:
    """The check, or what kept it from being made."""
    try:
        return check(workspace)
    except (ComusError, OSError) as fault:
        return Check(name, False, str(fault), needed=needed)


def _database(workspace: Workspace) -> Check:
    if not is_read_only(workspace.database.path):
        with workspace.database.deriving():
            pass  # the write lock can be had
    return _readable(workspace)


def _readable(workspace: Workspace) -> Check:
    with workspace.database.reading() as connection:
        (runs,) = connection.execute("SELECT COUNT(*) FROM runs").fetchone()
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    read_only = ", read-only" if is_read_only(workspace.database.path) else ""
    words = f"{counted(runs, 'run')}, journal {mode}{read_only}"
    return Check("database", True, words)


def _disk(workspace: Workspace) -> Check:
    free = shutil.disk_usage(workspace.root).free
    words = f"{size(free)} free at {workspace.root}"
    if free < LITTLE_FREE:
        return Check(
            "disk", free >= LEAST_FREE, words, "`comus disk` shows what uses the space, `comus clean` frees some"
        )
    return Check("disk", True, words)


def _supervisor(workspace: Workspace) -> Check:
    active = list_jobs(workspace, ACTIVE)
    waiting = counted(len(active), "job")
    if supervisor_is_up(workspace.root):
        return Check("supervisor", True, f"process {supervisor_pid(workspace)}, {waiting} in the queue")
    if not active:
        return Check("supervisor", True, "not needed: no job is queued; the next one starts it")
    log = "its log is jobs/supervisor.log in the workspace"
    return Check("supervisor", False, f"none runs, and {waiting} wait for it", f"`comus jobs list` starts it; {log}")


def _device(_: Workspace) -> Check:
    gpus, files = gpu_names(), sorted(DEVICES.glob("nvidia[0-9]*"))
    if gpus and not files:
        action = (
            "unset CUDA_VISIBLE_DEVICES, or give the container its GPUs (`--gpus all`); jobs run on the CPU until then"
        )
        return Check(
            "device", False, f"CUDA_VISIBLE_DEVICES names {', '.join(gpus)}, which are not here", action, False
        )
    if files and not DRIVER.exists():
        action = "install or load NVIDIA's driver (`nvidia-smi` then lists the GPU); jobs run on the CPU until then"
        return Check("device", False, "an NVIDIA GPU without its driver", action, needed=False)
    return Check("device", True, ", ".join(gpus) or "CPU", needed=False)


def _weights(_: Workspace) -> Check:
    empty = [str(path) for _, path in weights_table() if path is not None and not path.stat().st_size]
    if empty:
        return Check(
            "weights", False, f"empty: {', '.join(empty)}", "remove it and run `comus weights download`", False
        )
    try:
        config = resolve(RunConfig("demo"))
    except WorkspaceError:
        raise
    except ComusError as fault:
        return Check("weights", False, str(fault), "`comus weights list` shows what can be downloaded", needed=False)
    return Check("weights", True, f"a run uses {config.saliency.detector} and {config.features.encoder}", needed=False)
