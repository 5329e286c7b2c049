"""Tables written in row groups of about a megabyte: few enough to read a column of all, small enough to read one row.

A group a shard would be 15,000 groups for a million images, and to read one column of them takes 20 times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.files.atomic import replacing

GROUP_BYTES = 1 << 20  # of a row group in memory; a part that is larger is a group of its own


def write_grouped(path: Path, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
    """Write a table that comes in parts, all or nothing; only the parts of one row group are held at a time.

    Args:
        path: the Parquet file.
        schema: of every part.
        parts: in the order of the rows.
    """
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        waiting: list[pa.Table] = []
        size = 0
        for part in parts:
            waiting.append(part)
            size += part.nbytes
            if size >= GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting, size = [], 0
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
