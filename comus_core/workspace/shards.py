"""Long work cut into shards, a file each: those that were finished before a kill are not computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.files.atomic import replacing
from comus_core.types import OnProgress, Progress
from comus_core.workspace.shard_attempts import Attempt, attempt_at

SHARD_SIZE = 64  # images a shard: seconds of work lost by a kill, and few files at 100,000 images

Tick = Callable[[int], None]  # so many more items of the shard are done
ShardWork = Callable[[Sequence[str], Tick, Path], pa.Table]  # (ids, tick, folder of the artifact) -> rows
Instead = Callable[[str, str], pa.Table]  # (id, reason) -> the row of one that is set aside


def write_shards(
    folder: Path,
    ids: Sequence[str],
    work: ShardWork,
    stage: str,
    on_progress: OnProgress,
    size: int,
    instead: Instead | None,
) -> list[Path]:
    """The shards' files, in order; one of which every id is set aside, without a row instead, has none.

    Args:
        folder: of the shards, in that of the unfinished artifact.
        ids: of all items, in the order of the rows.
        work: gives the rows of some of them.
        stage: under which progress is told.
        on_progress: called at every item; raising `Cancelled` there keeps the finished shards.
        size: items a shard.
        instead: gives the row of one that is set aside; None leaves it out.
    """
    folder.mkdir(exist_ok=True)
    paths, done = [], 0
    on_progress(Progress(stage, 0, len(ids)))
    for start in range(0, len(ids), size):
        chunk, path = ids[start : start + size], folder / f"{start:09d}.parquet"
        paths.append(path)
        if not path.exists():
            attempt = attempt_at(path, _place(folder.parent))
            tick = _ticker(stage, done, len(ids), on_progress)
            if attempt.careful:
                table = _one_by_one(attempt, chunk, work, tick, folder.parent, instead)
            else:
                with attempt.working():
                    table = work(chunk, tick, folder.parent)
            if table is not None:
                with replacing(path) as temporary:
                    pq.write_table(table, temporary)
        done += len(chunk)
        on_progress(Progress(stage, done, len(ids)))
    return [path for path in paths if path.exists()]


def _one_by_one(
    attempt: Attempt, ids: Sequence[str], work: ShardWork, tick: Tick, folder: Path, instead: Instead | None
) -> pa.Table | None:
    """The rows of a shard, each id alone; None if there are none."""
    parts = []
    for one in ids:
        if one not in attempt.set_aside:
            with attempt.working(one):
                parts.append(work([one], tick, folder))
        elif instead is not None:
            parts.append(instead(one, attempt.set_aside[one]))
    return pa.concat_tables(parts) if parts else None


def _place(partial: Path) -> str:
    """An artifact's folder below the workspace, once it is finished."""
    return Path(*partial.parts[-3:]).with_suffix("").as_posix()


def _ticker(stage: str, done: int, total: int, on_progress: OnProgress) -> Tick:
    count = done

    def tick(items: int) -> None:
        nonlocal count
        count += items
        on_progress(Progress(stage, count, total))

    return tick
