"""One process a workspace that starts jobs, sees how they end, and presses those that do not stop when asked.

`python -m comus_core.jobs.supervisor --workspace DIR`; brought up by `ensure_supervisor`, leaves when idle. It may be
killed at any time: the jobs go on, and the next supervisor knows them by process id and start time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from comus_core.errors import WorkspaceError
from comus_core.files.file_locks import missing_locks
from comus_core.files.process_identity import identify, this_host
from comus_core.jobs.devices import choose_slot, core_budget, gpu_names, most_at_once
from comus_core.jobs.launcher import LOG, Rules, spawn, take_supervision
from comus_core.jobs.logs import append_line, jobs_folder, last_words, rotate, rotate_own_output
from comus_core.jobs.processes import (
    describe_exit,
    has_ended,
    judge,
    kill_group,
    kill_orphans,
    stop_group,
    terminate,
    why_dead,
)
from comus_core.jobs.records import ACTIVE, FINAL, LIVE, Job
from comus_core.jobs.silences import Silences
from comus_core.jobs.table import JobTable
from comus_core.machine.device import cpu_cores
from comus_core.workspace import Workspace, open_workspace
from comus_core.workspace.manifest import SHARDS
from comus_core.workspace.reserve import ROOM_TO_START, is_full, low_room
from comus_core.workspace.shard_attempts import excuse
from comus_core.workspace.stored import folders_of_process

TICK = 0.25  # seconds between looks
LOCK_PATIENCE = 2.0  # seconds: someone who only looks whether the lock is held holds it for an instant


class Supervisor:
    """What a supervisor remembers: its rules, and the processes whose parent it is."""

    def __init__(self, workspace: Workspace, rules: Rules) -> None:
        self.workspace, self.rules = workspace, rules
        self.table = JobTable(workspace.database)
        self.children: dict[tuple[int, int], tuple[Job, subprocess.Popen[bytes]]] = {}
        self.termed: set[tuple[int, int]] = set()
        self.asked_at: dict[tuple[int, int], float] = {}
        self.silences = Silences(rules.stalled_after)
        self.ended_for: dict[tuple[int, int], str] = {}  # what this supervisor killed a job for
        self.gpus = gpu_names()
        self.at_once = rules.at_once or most_at_once(self.gpus)
        self.choose = partial(choose_slot, gpus=self.gpus, at_once=self.at_once)

    def recover(self) -> None:
        """Take over what an earlier supervisor left."""
        for job in self.table.end_unstarted():
            say(f"job {job.id}: was claimed but never started; {job.state}")
        for job in self.table.all(LIVE):
            say(f"job {job.id}: running in process {job.pid}, adopted")

    def tick(self) -> None:
        """Look at every job once."""
        for job, child in list(self.children.values()):
            self._collect(job, child)
        now = time.time()
        for job in self.table.all(LIVE):
            if _key(job) not in self.children and judge(job, now) == "dead":
                kill_orphans(job)
                self._bury(job, why_dead(job))
            elif job.state == "cancelling":
                self._press(job)
            elif self.silences.is_stalled(job) and not is_full(self.workspace.root):
                self._end_stalled(job)
        if queued := self.table.all(("queued",)):
            self._start_some(queued)

    def _start_some(self, queued: Sequence[Job]) -> None:
        """Start what there are slots for; nothing on a disk that has no room for it."""
        if missing := low_room(self.workspace.root, ROOM_TO_START):
            for job in queued:
                self.table.note(job, "waiting", missing)
            return
        while claimed := self.table.claim(self.choose):
            self._start(claimed)

    def _start(self, job: Job) -> None:
        root, folder = self.workspace.root, job.folder if job.folder.is_dir() else self.workspace.root
        options = [str(job.id), "--attempt", str(job.attempt)]
        environment = {**core_budget(job.slot, self.gpus, self.at_once, cpu_cores()), **job.environment}
        try:
            rotate(job.log_path)
            append_line(job.log_path, f"--- attempt {job.attempt} on {job.slot}")
            child = spawn("worker", root, options, job.log_path, folder=folder, environment=environment)
        except (OSError, ValueError) as error:  # ValueError: of a variable with a NUL
            self.table.finish(job, "failed", f"its process cannot be started: {error}")
            return
        self.children[_key(job)] = (job, child)
        process = identify(child.pid)
        if process is not None:
            self.table.record_process(job, process)
        say(f"job {job.id}: attempt {job.attempt} started in process {child.pid} on {job.slot}")

    def _collect(self, job: Job, child: subprocess.Popen[bytes]) -> None:
        """See whether a child ended; what it left in its group goes too, before its pid can come round again."""
        if not has_ended(child):
            return
        kill_group(child.pid)
        reason = describe_exit(child.wait())
        del self.children[_key(job)]
        self._bury(job, reason)

    def _bury(self, job: Job, reason: str) -> None:
        """End the row of a dead process, unless it wrote its own end; its run is no longer running either."""
        words, reason = last_words(job.log_path), self.ended_for.pop(_key(job), reason)
        if not self.table.bury(job, f"{reason}; last line of its log: {words}" if words else reason):
            say(f"job {job.id}: ended as {self.table.get(job.id).state}")
            return
        buried = self.table.get(job.id)
        say(f"job {job.id}: {buried.state}: {reason}")
        if buried.run is not None and buried.state in FINAL:
            self.workspace.runs.end(buried.run, "cancelled" if buried.state == "cancelled" else "failed")

    def _end_stalled(self, job: Job) -> None:
        """Kill a job that does nothing; it counts against the shard that it is at, as every kill from outside."""
        assert job.pid is not None
        reason = f"it gave no heartbeat and used no processor for {self.rules.stalled_after:.0f} s, and was killed"
        say(f"job {job.id}: {reason}")
        self.ended_for[_key(job)] = reason
        kill_group(job.pid)
        self._note(job, "stalled", reason)

    def _press(self, job: Job) -> None:
        """Terminate, then kill, a job that goes on after the request to stop."""
        if job.pid is None or job.cancel_requested_at is None or job.host != this_host():
            return
        asked_for = self._asked_for(job)
        if asked_for >= self.rules.kill_after:
            say(f"job {job.id}: goes on {asked_for:.0f} s after the request to stop; killed")
            self._kill(job.pid)
            self._note(job, "stopping", "killed: it went on after the request to stop")
        elif asked_for >= self.rules.term_after and _key(job) not in self.termed:
            say(f"job {job.id}: goes on {asked_for:.0f} s after the request to stop; terminated")
            terminate(job.pid)
            self.termed.add(_key(job))
            self._note(job, "stopping", "terminated: it went on after the request to stop")

    def _note(self, job: Job, kind: str, text: str) -> None:
        """Tell what was done to a job; a full or locked disk loses the words, and keeps nobody from doing it."""
        with suppress(WorkspaceError):
            self.table.note(job, kind, text)

    def _asked_for(self, job: Job) -> float:
        """Seconds since the request to stop, by a clock that nobody sets: a jump of the wall clock kills no job early.

        One that was asked before this supervisor came is given its seconds anew.
        """
        noticed = self.asked_at.setdefault(_key(job), time.monotonic())
        return time.monotonic() - noticed

    def _kill(self, pid: int) -> None:
        """Kill a job that was asked to stop; the shard that it is at was only slow and is not to blame."""
        stop_group(pid)
        try:
            process = identify(pid)
            for folder in folders_of_process(self.workspace.artifacts.root, process) if process is not None else ():
                for shards in folder.rglob(SHARDS):  # the artifact's own, and those of blocks of points
                    excuse(shards)
        finally:
            kill_group(pid)


def serve(root: Path, rules: Rules) -> bool:
    """Watch a workspace until it is idle for long; False if another supervisor does already."""
    lock, end = take_supervision(root), time.monotonic() + LOCK_PATIENCE
    while lock is None and time.monotonic() < end:
        time.sleep(0.05)
        lock = take_supervision(root)
    if lock is None:
        return False
    supervisor = Supervisor(open_workspace(root), rules)
    say(f"watching {root}")
    if (without := missing_locks(root)) is not None:
        say(without)
    supervisor.recover()
    busy_at, said = time.monotonic(), ""
    while supervisor.workspace.database.path.exists():
        try:
            supervisor.tick()
            if supervisor.children or supervisor.table.all(ACTIVE):
                busy_at = time.monotonic()
            idle = time.monotonic() - busy_at >= rules.idle_seconds
            if idle and supervisor.table.release_if_idle(lock.release):
                say("idle; leaving")
                return True
        except WorkspaceError as error:  # a full disk or a long lock passes; leaving would help nobody
            if str(error) != said:
                say(said := str(error))
            time.sleep(1)
        rotate_own_output(jobs_folder(root) / LOG)
        time.sleep(TICK)
    return True


def say(line: str) -> None:
    """One line for the supervisor's log."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [{os.getpid()}] {line}", flush=True)


def main() -> None:
    """Serve, or leave at once if the workspace has its supervisor."""
    parser = argparse.ArgumentParser(prog="python -m comus_core.jobs.supervisor", description=__doc__)
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--idle-seconds", type=float, default=Rules.idle_seconds)
    parser.add_argument("--term-after", type=float, default=Rules.term_after)
    parser.add_argument("--kill-after", type=float, default=Rules.kill_after)
    parser.add_argument("--at-once", type=int)
    parser.add_argument("--stalled-after", type=float, default=Rules.stalled_after)
    options = vars(parser.parse_args())
    root = options.pop("workspace").resolve()
    if not serve(root, Rules(**options)):
        say("another supervisor watches this workspace; leaving")
    sys.exit(0)


def _key(job: Job) -> tuple[int, int]:
    return job.id, job.attempt


if __name__ == "__main__":
    main()
