"""Which jobs have stalled: no heartbeat and no use of a processor for long, by a clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from comus_core.files.process_identity import cpu_seconds, this_host
from comus_core.jobs.records import Job

BUSY = 0.05  # share of a core above which a silent process is at work: native code may keep its heartbeat waiting


@dataclass
class Silence:
    """What was last seen of a job: its heartbeat, when that was first seen, and the CPU seconds used by then."""

    heartbeat: float | None
    since: float
    cpu: float | None


class Silences:
    """Remembers when each job last gave a sign of life.

    The wall clock may jump, be set, or differ from that of the process, so a heartbeat counts when it changes, not by
    its value. Jobs on other machines are judged elsewhere, by `is_alive`.
    """

    def __init__(
        self,
        limit: float,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[int], float | None] = cpu_seconds,
    ) -> None:
        self.limit, self.clock, self.cpu = limit, clock, cpu
        self._seen: dict[int, Silence] = {}

    def is_stalled(self, job: Job) -> bool:
        """Whether a live job has been silent and idle for the limit, in seconds; asked again, it gets as long again."""
        if not self.limit or job.pid is None or job.host != this_host():
            return False
        now, seen = self.clock(), self._seen.get(job.id)
        if seen is None or seen.heartbeat != job.heartbeat:
            self._seen[job.id] = Silence(job.heartbeat, now, None)
            return False
        if seen.cpu is None:  # silent since the last look
            seen.cpu = self.cpu(job.pid) or 0.0
        if now - seen.since < self.limit:
            return False
        used = (self.cpu(job.pid) or 0.0) - seen.cpu
        self._seen[job.id] = Silence(job.heartbeat, now, None)
        return used < BUSY * self.limit
