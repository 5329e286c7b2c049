"""How many ids a shard holds: some seconds of work, in whole units that are worked on alike whatever the size.

A unit decides which images share a batch, and so can decide the last bits of a result; the number of units in a shard
depends on how fast this machine is, and decides nothing but what a kill can lose. Each unit is a row group of its
shard's file, and shards are merged by row group: the merged artifact is the same for every size.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.files.atomic import replacing, write_json

SECONDS = 20.0  # of work that a kill may lose
SECONDS_VARIABLE = "COMUS_SHARD_SECONDS"
MOST = 4096  # ids of a shard, however fast: its rows are held in memory
RECORD = "size.json"  # beside the shards: the next process goes on with the same ones


def kept_size(folder: Path, unit: int, seconds_per_id: float | None) -> int:
    """Ids of each shard in `folder`: as begun there, else as many units as take about `SECONDS`.

    `seconds_per_id` is measured or estimated; None where nothing is known: a unit.
    """
    folder.mkdir(exist_ok=True)
    try:
        return int(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        pass
    begun = next(folder.glob("*.parquet"), None) is not None  # by an older version, whose shards were units
    size = unit if begun or not seconds_per_id else chosen_size(unit, seconds_per_id)
    write_json(folder / RECORD, size)
    return size


def chosen_size(unit: int, seconds_per_id: float) -> int:
    """As many units as take no more than `SECONDS`, or COMUS_SHARD_SECONDS; at least one."""
    try:
        seconds = float(os.environ.get(SECONDS_VARIABLE) or SECONDS)
    except ValueError:
        seconds = SECONDS
    return unit * int(max(1, min(seconds / (seconds_per_id * unit), MOST // unit)))


def units_of(ids: Sequence[str], unit: int) -> Iterator[Sequence[str]]:
    """The ids of a shard, a unit at a time."""
    for start in range(0, len(ids), unit):
        yield ids[start : start + unit]


def write_units(path: Path, tables: Sequence[pa.Table]) -> None:
    """The file of a shard, all or nothing: a row group for the rows of each unit."""
    with replacing(path) as temporary, pq.ParquetWriter(temporary, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)


def read_units(shards: Iterable[Path]) -> Iterator[pa.Table]:
    """The rows of each unit of all shards, in order."""
    for shard in shards:
        with pq.ParquetFile(shard) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number)
