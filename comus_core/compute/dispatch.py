"""Shards given to a crew of workers, again where a worker died, and the one answer of all of them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from comus_core.compute.crew import Crew
from comus_core.errors import ComputeError
from comus_core.workspace.shard_attempts import excuse
from comus_core.workspace.shards import ShardPlan

# Workers that one shard may lose. From the third on it is made image by image, and an image that kills its worker is
# set aside (`shard_attempts`): two such images in a shard are survived, more say that the machine is at fault.
MOST_DEATHS = 5
LOOK_EVERY = 0.2  # seconds between two looks at the workers, at which progress is told and a cancellation heard


class Dispatcher:
    """Spreads the shards of one stage after the other over a crew.

    Which worker makes a shard, and when, changes nothing in it: the stage's own function makes each as a whole, with
    as many threads as this process has.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def spread(self, plan: ShardPlan, starts: Sequence[int], tell: Callable[[int], None]) -> None:
        """Make the shards that begin at `starts`; see `shards.Spread`.

        Raises:
            ComusError: the first fault of a shard, as it would be raised here.
            ComputeError: a shard lost too many workers; names its images.
        """
        try:
            self._crew.begin(plan)
            self._work(plan, starts, tell)
        except BaseException:
            self._crew.stop()
            with suppress(OSError):
                excuse(plan.folder)  # what the others were at is not to blame
            raise

    def close(self) -> None:
        """End the workers."""
        self._crew.stop()

    def _work(self, plan: ShardPlan, starts: Sequence[int], tell: Callable[[int], None]) -> None:
        waiting, deaths, done = deque(starts), Counter[int](), dict[int, int]()
        open_shards = set(starts)
        while open_shards:
            for _ in range(min(self._crew.free(), len(waiting))):
                self._crew.give(waiting.popleft())
            for report in self._crew.reports(LOOK_EVERY):
                if report.error is not None:
                    raise report.error
                if report.death:
                    deaths[report.start] += 1
                    done.pop(report.start, None)
                    waiting.appendleft(report.start)
                    if deaths[report.start] > MOST_DEATHS:
                        raise _lost(plan, report.start, report.death)
                else:
                    done[report.start] = len(plan.ids_at(report.start)) if report.finished else report.done
                if report.finished:
                    _require_there(plan, report.start)
                    open_shards.discard(report.start)
            tell(sum(done.values()))


def _require_there(plan: ShardPlan, start: int) -> None:
    """Wait for a file that another machine wrote: a shared file system may show it a moment later.

    A shard has no file where all its images were set aside; then there is a record of that.
    """
    end = time.monotonic() + 30
    path = plan.file(start)
    while not (path.exists() or any(plan.folder.glob(f"{path.stem}.*"))):
        if time.monotonic() > end:
            raise ComputeError(
                f"{plan.stage}: a worker has written {path.name}, and it is not in {plan.folder}: the workspace must "
                "lie on a file system that all machines share, at the same path"
            )
        time.sleep(0.2)


def _lost(plan: ShardPlan, start: int, death: str) -> ComputeError:
    ids = plan.ids_at(start)
    named = ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
    way_out = plan.way_out(", or leave these images out with --exclude")
    return ComputeError(
        f"{plan.stage}: {MOST_DEATHS + 1} workers ended, one after the other, at the same {plan.nouns[len(ids) > 1]}: "
        f"{named} ({death}). Give each worker more memory (fewer processes){way_out}"
    )
