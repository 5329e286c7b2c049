"""Identify a process and check whether it is still alive, by asking the system rather than by timeout."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HEARTBEAT = 10.0  # seconds between heartbeats, used only to judge processes on other machines
ABROAD_SILENCE = 60.0  # seconds without a heartbeat after which a process on another machine counts as dead
PROC = Path("/proc")
DEAD_STATES = ("Z", "X")  # a zombie has ended


@dataclass(frozen=True)
class ProcessIdentity:
    """A process beyond doubt: a pid is reused, a pid with start time, boot and host is not."""

    pid: int
    start: str
    host: str
    boot_id: str


def identify(pid: int) -> ProcessIdentity | None:
    """The running process of that pid on this machine; None if there is none, or only a zombie."""
    start = _start_in_proc(pid) if PROC.joinpath("self/stat").exists() else _start_by_ps(pid)
    return None if start is None else ProcessIdentity(pid, start, this_host(), boot_id())


def this_host() -> str:
    """The name of this machine, or of this container."""
    return platform.node()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """An id of this boot of the machine; empty where the system has none."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return _output("sysctl", "-n", "kern.boottime")


def is_alive(process: ProcessIdentity, heartbeat: float, now: float) -> bool:
    """Whether a process is still running.

    On this machine pid, start time and boot decide. A process on another host (a shared or moved workspace, another
    container) cannot be seen; only there does a missing heartbeat count as its end. `process` was identified when it
    started; its last `heartbeat` and `now` are in seconds since the epoch.
    """
    if process.host != this_host():
        return now - heartbeat < ABROAD_SILENCE
    if process.boot_id != boot_id():
        return False
    running = identify(process.pid)
    return running is not None and running.start == process.start


def cpu_seconds(pid: int) -> float | None:
    """The CPU time that a process of this machine has used, all threads; None if it cannot be told."""
    if PROC.joinpath("self/stat").exists():
        fields = _fields_in_proc(pid)
        return None if fields is None else (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    return cpu_from_ps(_output("ps", "-o", "time=", "-p", str(pid)))


def cpu_from_ps(text: str) -> float | None:
    """Seconds from what `ps -o time=` prints: [[days-]hours:]minutes:seconds, on macOS with hundredths."""
    days, _, clock = text.strip().rpartition("-")
    try:
        parts = [float(part) for part in clock.split(":")]
        return 86400.0 * int(days or 0) + sum(part * float(60**n) for n, part in enumerate(reversed(parts)))
    except ValueError:
        return None


def _fields_in_proc(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on; the name in the second may hold spaces and brackets."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None


def _start_in_proc(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat, clock ticks since boot."""
    fields = _fields_in_proc(pid)
    return None if fields is None or fields[0] in DEAD_STATES else fields[19]


def _start_by_ps(pid: int) -> str | None:
    state, _, start = _output("ps", "-o", "state=,lstart=", "-p", str(pid)).partition(" ")
    return None if not state or state[0] in DEAD_STATES else " ".join(start.split())


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
