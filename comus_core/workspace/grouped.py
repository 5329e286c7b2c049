"""Tables in row groups of about a megabyte: few enough to read one column, small enough to read one row.

One group per shard would be 15,000 groups for a million images, and reading one column would take 20 times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.files.atomic import replacing

GROUP_BYTES = 1 << 20  # of a row group in memory; a larger part is its own group


def write_grouped(path: Path, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
    """Write a table from parts, all or nothing; only one row group is in memory at a time."""
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
