"""Long work in shards, one file each: shards finished before a kill are not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from comus_core.types import OnProgress, Progress
from comus_core.workspace.shard_attempts import Attempt, attempt_at
from comus_core.workspace.shard_sizes import units_of, write_units

SHARD_SIZE = 64  # images of a unit, of which a shard holds as many as take some seconds: see `shard_sizes`

Tick = Callable[[int], None]  # that many more ids of the shard are done
ShardWork = Callable[[Sequence[str], Tick, Path], pa.Table]  # (ids, tick, folder of the artifact) -> rows
Instead = Callable[[str, str], pa.Table]  # (id, reason) -> the row of a skipped id


def write_shards(
    folder: Path,
    ids: Sequence[str],
    work: ShardWork,
    stage: str,
    on_progress: OnProgress,
    size: int,
    instead: Instead | None,
    unit: int = SHARD_SIZE,
) -> list[Path]:
    """The files of the shards, in order, without those whose ids are all skipped.

    A shard holds `size` ids, and `work` gets `unit` of them at a time. `folder` is in the unfinished artifact.
    `on_progress` is called at every id; raising `Cancelled` there keeps the finished shards. `instead` gives the row of
    a skipped id; None for no row.
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
            parts: Iterator[pa.Table | None]
            if attempt.careful:
                parts = (_one_by_one(attempt, u, work, tick, folder.parent, instead) for u in units_of(chunk, unit))
                tables = [table for table in parts if table is not None]
            else:
                with attempt.working():
                    tables = [work(ids_of_unit, tick, folder.parent) for ids_of_unit in units_of(chunk, unit)]
            if tables:
                write_units(path, tables)
        done += len(chunk)
        on_progress(Progress(stage, done, len(ids)))
    return [path for path in paths if path.exists()]


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


def _ticker(stage: str, done: int, total: int, on_progress: OnProgress) -> Tick:
    count = done

    def tick(steps: int) -> None:
        nonlocal count
        count += steps
        on_progress(Progress(stage, count, total))

    return tick
