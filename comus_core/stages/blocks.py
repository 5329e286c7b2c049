"""Blocks of points as shards of a stage: made where `--compute` says, kept until the stage is done."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.clustering.blocks import BLOCK_ROWS, Arrays, BlockWork, Columns, block_slices, joined
from comus_core.compute import current
from comus_core.errors import ComputeError
from comus_core.types import OnProgress
from comus_core.workspace.shard_attempts import set_aside_in
from comus_core.workspace.shards import ShardPlan, Tick, write_here, write_shards

FOLDER = "blocks"  # in the unfinished artifact, gone from the finished one
ELSEWHERE = "elsewhere.json"  # name of an array -> the file of another artifact that holds it


class ShardedBlocks:
    """See `clustering.blocks.Blocks`: a shard for each block, with the same bytes wherever it is made.

    Workers map the arrays into memory from files, so that those of one machine share it; an array that is mapped from
    a file already is not written again. Blocks finished before a kill are not made again.
    """

    def __init__(self, folder: Path, stage: str, on_progress: OnProgress) -> None:
        self._folder, self._stage, self._on_progress = folder, stage, on_progress
        self._spread = current()
        self._made: Counter[str] = Counter()

    @property
    def workers(self) -> bool:
        """See `Blocks`."""
        return self._spread is not write_here

    def __call__(self, name: str, work: BlockWork, arrays: Arrays, count: int) -> Columns:
        """See `Blocks`.

        Raises:
            ComputeError: a block killed every process that made it.
        """
        place = self._folder / f"{name}{self._made[name]}"
        self._made[name] += 1
        place.mkdir(parents=True, exist_ok=True)
        _keep(place, arrays)
        starts = [str(rows.start) for rows in block_slices(count)]
        plan = ShardPlan(place / "shards", starts, partial(_rows_of, work, count), self._stage, size=1, unit=1)
        files = write_shards(plan, self._on_progress, self._spread)
        if lost := set_aside_in(plan.folder):
            start = int(next(iter(lost)))
            raise ComputeError(
                f"{self._stage}: proposals {start} to {min(start + BLOCK_ROWS, count) - 1} end every process that is "
                f"at their {name} (out of memory?): use fewer processes, or fewer landmarks (clustering.landmarks), "
                f"delete {place} and run again"
            )
        whole = joined((_columns(pq.ParquetFile(file).read()) for file in files), count)
        shutil.rmtree(place)
        return whole


@contextmanager
def sharded_blocks(folder: Path, stage: str, on_progress: OnProgress) -> Iterator[ShardedBlocks]:
    """Blocks of the artifact in `folder`, of which nothing is left there after the block without an error."""
    yield ShardedBlocks(folder / FOLDER, stage, on_progress)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _rows_of(work: BlockWork, count: int, starts: Sequence[str], tick: Tick, folder: Path) -> pa.Table:
    """The columns of some blocks as a table."""
    arrays, tables = _kept(folder), []
    for start in map(int, starts):
        tables.append(_table(work(arrays, slice(start, min(start + BLOCK_ROWS, count)))))
        tick(1)
    return pa.concat_tables(tables)


def _keep(place: Path, arrays: Arrays) -> None:
    """Write what is in memory only, and where the rest is."""
    elsewhere = {name: file for name, values in arrays.items() if (file := _file_of(values)) is not None}
    for name in arrays.keys() - elsewhere:
        np.save(place / f"{name}.npy", arrays[name])
    (place / ELSEWHERE).write_text(json.dumps(elsewhere))


def _file_of(values: Any) -> str | None:
    """The `.npy` file of which the whole is mapped; None for other arrays."""
    if not isinstance(values, np.memmap) or values.filename is None:
        return None
    file = Path(values.filename).resolve()
    whole = np.load(file, mmap_mode="r", allow_pickle=False)
    same = whole.shape == values.shape and whole.dtype == values.dtype and whole.offset == values.offset
    return str(file) if same else None


def _kept(place: Path) -> Mapping[str, Any]:
    """The arrays that `_keep` was given, mapped into memory."""
    elsewhere = json.loads((place / ELSEWHERE).read_text())
    files = {file.stem: file for file in place.glob("*.npy")} | {n: Path(f) for n, f in elsewhere.items()}
    # Copied when written to, which nobody does: numba compiles nothing anew for what cannot be written to.
    return {name: np.asarray(np.load(file, mmap_mode="c", allow_pickle=False)) for name, file in files.items()}


def _table(columns: Columns) -> pa.Table:
    return pa.table({name: _cells(values) for name, values in columns.items()})


def _cells(values: Any) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _columns(table: pa.Table) -> Columns:
    columns: Columns = {}
    for name, column in zip(table.column_names, table.combine_chunks().columns, strict=True):
        if pa.types.is_fixed_size_list(column.type):
            flat = pa.concat_arrays([chunk.flatten() for chunk in column.chunks])
            columns[name] = flat.to_numpy().reshape(table.num_rows, -1)
        else:
            columns[name] = column.to_numpy()
    return columns
