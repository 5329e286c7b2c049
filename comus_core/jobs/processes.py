"""Whether the process of a job still lives, how it ended, and how to end it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Literal

from comus_core.files.process_identity import ABROAD_SILENCE, ProcessIdentity, boot_id, identify, is_alive, this_host
from comus_core.jobs.records import Job

Verdict = Literal["alive", "dead"]


def judge(job: Job, now: float) -> Verdict:
    """Whether the process of a live job still is there, see `is_alive`."""
    if job.pid is None and job.host == this_host():
        return "dead"
    process = ProcessIdentity(job.pid or 0, job.process_start or "", job.host or "", job.boot_id or "")
    return "alive" if is_alive(process, job.heartbeat or job.started_at or 0.0, now) else "dead"


def why_dead(job: Job) -> str:
    """The reason for a death of which nobody got the exit code."""
    if job.host != this_host():
        return f"no heartbeat from {job.host} for more than {ABROAD_SILENCE:.0f} s"
    if job.boot_id != boot_id():
        return "the machine was restarted"
    return "its process is gone and nobody saw how it ended (killed, perhaps out of memory?)"


def has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended, without collecting it, so that its pid and group stay its own until it is.

    macOS has no `waitid` before Python 3.13: there the child is collected.
    """
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return child.poll() is not None


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


def stop_group(pid: int) -> None:
    """Send SIGSTOP to the whole process group that `pid` leads: it does nothing more until it is killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGSTOP)


def kill_group(pid: int) -> None:
    """Send SIGKILL to the whole process group that `pid` leads or led; one that is gone already is fine."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says "permission" of a group of zombies
        os.killpg(pid, signal.SIGKILL)


def kill_orphans(job: Job) -> None:
    """Kill what a dead job's process left in its group, unless its pid means another process by now."""
    if job.pid is not None and (job.host, job.boot_id) == (this_host(), boot_id()) and identify(job.pid) is None:
        kill_group(job.pid)
