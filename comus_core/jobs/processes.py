"""Which process a pid means, whether it still lives, and how it ended: told by the system, not by silence."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from comus_core.jobs.records import Job

ABROAD_SILENCE = 60.0  # seconds without a heartbeat after which a process on another machine counts as dead
PROC = Path("/proc")
DEAD_STATES = ("Z", "X")  # a zombie has ended, whoever forgot to collect it

Verdict = Literal["alive", "dead"]


@dataclass(frozen=True)
class ProcessIdentity:
    """A process for certain: pids come round again, a pid with its start time on one boot of one host does not."""

    pid: int
    start: str
    host: str
    boot_id: str


def identify(pid: int) -> ProcessIdentity | None:
    """The live process of that pid on this machine; None if there is none, or only a zombie."""
    start = _start_in_proc(pid) if PROC.joinpath("self/stat").exists() else _start_by_ps(pid)
    return None if start is None else ProcessIdentity(pid, start, this_host(), boot_id())


def this_host() -> str:
    """The name of this machine, or of this container."""
    return platform.node()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """What tells this boot of the machine from the one before; empty where the system does not say."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return _output("sysctl", "-n", "kern.boottime")


def judge(job: Job, now: float) -> Verdict:
    """Whether the process of a live job still is there.

    On this machine pid, start time and boot decide. A process on another host (a shared or moved workspace)
    cannot be looked at; only there does a long silence count as death.
    """
    if job.host != this_host():
        return "alive" if now - (job.heartbeat or job.started_at or 0.0) < ABROAD_SILENCE else "dead"
    if job.boot_id != boot_id() or job.pid is None:
        return "dead"
    found = identify(job.pid)
    return "alive" if found is not None and found.start == job.process_start else "dead"


def why_dead(job: Job) -> str:
    """The reason for a death of which nobody got the exit code."""
    if job.host != this_host():
        return f"no sign of life from {job.host} for more than {ABROAD_SILENCE:.0f} s"
    if job.boot_id != boot_id():
        return "the machine was restarted"
    return "its process is gone and nobody saw how it ended (killed, perhaps out of memory?)"


def describe_exit(code: int) -> str:
    """An exit code as `subprocess` gives it, in words."""
    if code >= 0:
        return f"its process ended with exit code {code}"
    number = -code
    name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
    hint = {int(signal.SIGKILL): "; out of memory?", int(signal.SIGSEGV): "; a crash in native code"}.get(number, "")
    return f"its process was killed by signal {number} ({name}){hint}"


def terminate(pid: int) -> None:
    """Send SIGTERM to a process; one that is gone already is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def kill_group(pid: int) -> None:
    """Send SIGKILL to the whole process group that `pid` leads or led; one that is gone already is fine."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says "permission" of a group of zombies
        os.killpg(pid, signal.SIGKILL)


def kill_orphans(job: Job) -> None:
    """Kill what a dead job's process left in its group, unless its pid means another process by now."""
    if job.pid is not None and (job.host, job.boot_id) == (this_host(), boot_id()) and identify(job.pid) is None:
        kill_group(job.pid)


def _start_in_proc(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat, clock ticks since boot; the name in field 2 may hold spaces and brackets."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None
    return None if fields[0] in DEAD_STATES else fields[19]


def _start_by_ps(pid: int) -> str | None:
    state, _, start = _output("ps", "-o", "state=,lstart=", "-p", str(pid)).partition(" ")
    return None if not state or state[0] in DEAD_STATES else " ".join(start.split())


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
