"""From the steps that stages report to a pace that holds: steps found finished are not steps done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from comus_core.types import Progress

REUSED_PACE = 0.001  # seconds an image: no stage works that fast, skipping a finished shard is far faster


@dataclass(frozen=True)
class StageProgress:
    """Where a stage stands; `first_step` and `started_at` are where and when its own work began."""

    stage: str = ""
    step: int = 0
    total: int = 0
    first_step: int = 0
    started_at: float = 0.0
    at: float = 0.0


def advance(last: StageProgress, progress: Progress, now: float) -> StageProgress:
    """The next standing. A new stage starts afresh; a leap over finished shards moves its beginning along."""
    if progress.stage != last.stage or progress.total != last.total or progress.step < last.step:
        return StageProgress(progress.stage, progress.step, progress.total, progress.step, now, now)
    leap, untouched = progress.step - last.step, last.first_step == last.step
    if untouched and leap > 0 and now - last.at < REUSED_PACE * leap:
        return replace(last, step=progress.step, first_step=progress.step, started_at=now, at=now)
    return replace(last, step=progress.step, at=now if leap else last.at)
