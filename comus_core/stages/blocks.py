"""Blocks of points as shards of a stage: made where `--compute` says, kept until the stage is done."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.clustering.blocks import Arrays, BlockWork, Columns, block_slices, joined
from comus_core.compute import current
from comus_core.errors import ComputeError
from comus_core.files.atomic import replacing, write_json
from comus_core.machine.room import hold_blas_buffers
from comus_core.machine.threads import row_blocks
from comus_core.types import OnProgress
from comus_core.workspace.manifest import SHARDS
from comus_core.workspace.shard_attempts import set_aside_in
from comus_core.workspace.shards import ShardPlan, Tick, write_here, write_shards

FOLDER = "blocks"  # in the unfinished artifact, gone from the finished one
ELSEWHERE = "elsewhere.json"  # name of an array -> the file of another artifact that holds it
BLOCKS = ("block of proposals", "blocks of proposals")


class ShardedBlocks:
    """See `clustering.blocks.Blocks`: a shard for each block, with the same bytes wherever it is made.

    Workers map the arrays into memory from files, so that those of one machine share it; an array that is mapped from
    a file already is not written again. Blocks finished before a kill are not made again, unless they are of other
    arrays: what they were made from, the landmarks' embedding, is computed anew, and with another number of threads or
    on another machine it may differ in its last bits, or in its signs.
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
        elsewhere = {key: file for key, values in arrays.items() if (file := _file_of(values)) is not None}
        ids = [f"{rows.start} to {rows.stop - 1}" for rows in block_slices(count)]
        place = self._place(name, _digest(arrays, elsewhere, ids))
        plan = ShardPlan(place / SHARDS, ids, partial(_rows_of, work), self._stage, size=1, unit=1, nouns=BLOCKS)
        if not all(plan.file(start).exists() for start in plan.starts):
            _keep(place, arrays, elsewhere)
        files = write_shards(plan, self._on_progress, self._spread)
        if lost := set_aside_in(plan.folder):
            raise ComputeError(
                f"{self._stage}: proposals {next(iter(lost))} end every process that is at their {name} (out of "
                "memory?): use fewer processes, or fewer landmarks (clustering.landmarks), "
                f"delete {place} and run again"
            )
        _remove_arrays(place)
        return joined((_columns(pq.ParquetFile(file).read()) for file in files), count)

    def _place(self, name: str, digest: str) -> Path:
        """The folder of the next blocks of this name; those of other arrays, of an earlier process, go.

        Its name holds the digest: a worker that outlives its killed starter writes to a folder that nobody reads.
        """
        place = self._folder / f"{name}{self._made[name]}-{digest}"
        for other in self._folder.glob(f"{name}{self._made[name]}-*"):
            if other != place:
                shutil.rmtree(other)
        self._made[name] += 1
        place.mkdir(parents=True, exist_ok=True)
        return place


@contextmanager
def sharded_blocks(folder: Path, stage: str, on_progress: OnProgress) -> Iterator[ShardedBlocks]:
    """Blocks of the artifact in `folder`, of which nothing is left there after the block without an error."""
    yield ShardedBlocks(folder / FOLDER, stage, on_progress)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _rows_of(work: BlockWork, ids: Sequence[str], tick: Tick, folder: Path) -> pa.Table:
    """The columns of some blocks as a table."""
    _hold_blas_buffers()
    arrays, tables = _kept(folder), []
    for first, last in (map(int, block.split(" to ")) for block in ids):
        tables.append(_table(work(arrays, slice(first, last + 1), partial(tick, 0))))
        tick(1)
    return pa.concat_tables(tables)


@cache  # once a process: what is held needs no more room
def _hold_blas_buffers() -> None:
    hold_blas_buffers()


def _digest(arrays: Arrays, elsewhere: Mapping[str, str], ids: Sequence[str]) -> str:
    """Of what decides the blocks: which points each holds, the bytes in memory, and which files hold the rest."""
    known = hashlib.sha256(" ".join(ids).encode())
    for name, values in sorted(arrays.items()):
        known.update(f"\n{name} {values.dtype} {values.shape} ".encode())
        if name in elsewhere:
            state = Path(elsewhere[name]).stat()
            known.update(f"{elsewhere[name]} {state.st_size} {state.st_mtime_ns}".encode())
            continue
        rows = np.atleast_1d(values)
        for part in row_blocks(len(rows)):  # a copy of a part at most
            known.update(np.ascontiguousarray(rows[part]).reshape(-1).view(np.uint8).data)
    return known.hexdigest()[:16]


def _keep(place: Path, arrays: Arrays, elsewhere: Mapping[str, str]) -> None:
    """Write what is in memory only, and where the rest is."""
    for name in arrays.keys() - elsewhere.keys():
        with replacing(place / f"{name}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, arrays[name])
    write_json(place / ELSEWHERE, elsewhere)


def _remove_arrays(place: Path) -> None:
    """Remove what `_keep` wrote: the blocks are made, and nobody reads it any more."""
    for file in (*place.glob("*.npy"), place / ELSEWHERE):
        file.unlink(missing_ok=True)


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
