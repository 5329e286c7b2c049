"""Killing a job, and its supervisor, at random moments until they are done, and watching that nothing is done twice."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from comus_core.jobs import FINAL, Job, ensure_supervisor, get, supervisor_pid
from tests.jobs.watching import RULES

Stamp = tuple[int, int]  # inode and time of the last change: another one means that it was written again


@dataclass
class Watch:
    """What was finished so far, and when it was written; `again` names what was written a second time."""

    artifacts: Path
    seen: dict[str, Stamp] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)

    def look(self) -> int:
        """Look at every finished shard and artifact; how many there ever were."""
        for pattern in ("*/*.partial/shards/0*.parquet", "*/*/manifest.json"):
            for path in self.artifacts.glob(pattern):
                with suppress(FileNotFoundError):  # its artifact was completed in this instant
                    facts, name = path.stat(), path.relative_to(self.artifacts).as_posix()
                    stamp = (facts.st_ino, facts.st_mtime_ns)
                    if self.seen.setdefault(name, stamp) != stamp:
                        self.again.add(name)
        return len(self.seen)


def disturbed(
    workspace, job_id: int, kills: int, supervisor_kills: int, rng: random.Random, longest: float, seconds: float = 1800
) -> tuple[Job, Watch, list[str]]:
    """Kill until the job is done; the job, what was watched, and the stage at each kill.

    A kill comes at most `longest` seconds after something was finished since the last one: three in a row at one shard
    would be taken for an image that kills.
    """
    watch, told, end = Watch(workspace.artifacts.root), list[str](), time.monotonic() + seconds
    supervisor_due = sorted(rng.sample(range(kills), supervisor_kills)) if supervisor_kills else []
    finished, due = -1, None
    while (job := get(workspace, job_id)).state not in FINAL:
        assert time.monotonic() < end, f"not done within {seconds:.0f} s, after {told}"
        ensure_supervisor(workspace, RULES)
        count = watch.look()
        if len(told) < kills and due is None and count > finished and job.pid is not None:
            due = time.monotonic() + rng.uniform(0, longest)
        if due is not None and time.monotonic() >= due and job.pid is not None:
            finished, due = watch.look(), None
            if supervisor_due and len(told) >= supervisor_due[0] and (pid := supervisor_pid(workspace)):
                supervisor_due.pop(0)
                os.kill(pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGKILL)
                told.append(f"{job.stage or 'start'} {job.step}/{job.total}")
        time.sleep(0.02)
    watch.look()
    return job, watch, told
