"""Long work in shards, one file each: shards finished before a kill are not computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from comus_core.types import OnProgress, Progress
from comus_core.workspace.shard_attempts import Attempt, attempt_at
from comus_core.workspace.shard_sizes import units_of, write_units

IMAGES = ("image", "images")
SHARD_SIZE = 64  # images of a unit, of which a shard holds as many as take some seconds: see `shard_sizes`

Tick = Callable[[int], None]  # that many more ids of the shard are done
ShardWork = Callable[[Sequence[str], Tick, Path], pa.Table]  # (ids, tick, folder of the artifact) -> rows
Instead = Callable[[str, str], pa.Table]  # (id, reason) -> the row of a skipped id


@dataclass(frozen=True)
class ShardPlan:
    """The shards of one artifact, and how any of them is made: by this process or by another one.

    Attributes:
        folder: of the shards, in the unfinished artifact.
        ids: of all shards, in order.
        work: the rows of some ids.
        stage: what they are made for.
        size: ids of a shard.
        instead: the row of a skipped id; None for no row.
        unit: ids that `work` gets at a time, see `shard_sizes`.
        nouns: what an id, and what several are of, for messages.
    """

    folder: Path
    ids: Sequence[str]
    work: ShardWork
    stage: str
    size: int = SHARD_SIZE
    instead: Instead | None = None
    unit: int = SHARD_SIZE
    nouns: tuple[str, str] = IMAGES

    @property
    def starts(self) -> range:
        """Where each shard begins in `ids`, which is what it is called by."""
        return range(0, len(self.ids), self.size)

    def ids_at(self, start: int) -> Sequence[str]:
        """The ids of a shard."""
        return self.ids[start : start + self.size]

    def file(self, start: int) -> Path:
        """The file of a shard."""
        return self.folder / f"{start:09d}.parquet"

    def way_out(self, words: str) -> str:
        """What can be done where an id is at fault: `words`, if ids are of images, which alone can be left out."""
        return words if self.nouns == IMAGES else ""

    def write(self, start: int, tick: Tick) -> None:
        """Make a shard: under a temporary name first; no file where all its ids are skipped."""
        units, path, folder = units_of(self.ids_at(start), self.unit), self.file(start), self.folder.parent
        attempt = attempt_at(path, _place(folder))
        if attempt.careful:
            parts = (_one_by_one(attempt, ids, self.work, tick, folder, self.instead) for ids in units)
            tables = [table for table in parts if table is not None]
        else:
            with attempt.working():
                tables = [self.work(ids, tick, folder) for ids in units]
        if tables:
            write_units(path, tables)


# Makes the shards that begin at the given ids; told is how many ids of them are done.
Spread = Callable[[ShardPlan, Sequence[int], Callable[[int], None]], None]


def write_here(plan: ShardPlan, starts: Sequence[int], tell: Callable[[int], None]) -> None:
    """Make shards one after the other in this process."""
    done = 0
    for start in starts:
        plan.write(start, _ticker(done, tell))
        done += len(plan.ids_at(start))
        tell(done)


def write_shards(plan: ShardPlan, on_progress: OnProgress, spread: Spread = write_here) -> list[Path]:
    """The files of the shards, in order, without those whose ids are all skipped.

    `on_progress` is called at every id; raising `Cancelled` there keeps the finished shards. `spread` makes those that
    are missing.
    """
    plan.folder.mkdir(exist_ok=True)
    paths = {start: plan.file(start) for start in plan.starts}
    missing = [start for start, path in paths.items() if not path.exists()]
    there = len(plan.ids) - sum(len(plan.ids_at(start)) for start in missing)
    for done in dict.fromkeys((0, there)):
        on_progress(Progress(plan.stage, done, len(plan.ids)))
    if missing:
        spread(plan, missing, partial(_tell, plan, there, on_progress))
    return [path for path in paths.values() if path.exists()]


def _tell(plan: ShardPlan, there: int, on_progress: OnProgress, done: int) -> None:
    on_progress(Progress(plan.stage, there + done, len(plan.ids)))


def _one_by_one(
    attempt: Attempt, ids: Sequence[str], work: ShardWork, tick: Tick, folder: Path, instead: Instead | None
) -> pa.Table | None:
    """The rows of a shard, computed one id at a time; None if there are none."""
    parts = []
    for image_id in ids:
        if image_id not in attempt.set_aside:
            with attempt.working(image_id):
                parts.append(work([image_id], tick, folder))
        elif instead is not None:
            parts.append(instead(image_id, attempt.set_aside[image_id]))
    return pa.concat_tables(parts) if parts else None


def _place(partial: Path) -> str:
    """The path of the finished artifact, relative to the workspace."""
    return Path(*partial.parts[-3:]).with_suffix("").as_posix()


def _ticker(done: int, tell: Callable[[int], None]) -> Tick:
    count = done

    def tick(steps: int) -> None:
        nonlocal count
        count += steps
        tell(count)

    return tick
