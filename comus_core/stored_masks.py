"""Masks left on disk: of 100,000 proposals they take 70 MB, and a page looks at a few hundred."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from comus_core.types import StrArray

PARTS_HELD = 64  # row groups; one holds a shard's proposals


class StoredMasks:
    """The `rle` column of a stored table of proposals, (n,) bytes, read a row group at a time when asked for.

    It is indexed as the array would be: a row gives bytes, several rows an array. Safe from any thread.
    """

    def __init__(self, table: Path) -> None:
        self.table = table
        self.metadata = pq.read_metadata(table)
        rows = [self.metadata.row_group(part).num_rows for part in range(self.metadata.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
        self._parts: OrderedDict[int, list[bytes]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, rows: Any) -> Any:
        chosen = np.arange(len(self))[rows]
        if chosen.ndim == 0:
            return self._one(int(chosen))
        found: StrArray = np.empty(len(chosen), object)
        found[:] = [self._one(int(row)) for row in chosen]
        return found

    def _one(self, row: int) -> bytes:
        part = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self._part(part)[row - int(self.starts[part])]

    def _part(self, part: int) -> list[bytes]:
        with self._lock:
            if part not in self._parts:
                with pq.ParquetFile(self.table, metadata=self.metadata) as file:
                    self._parts[part] = file.read_row_group(part, columns=["rle"]).column(0).to_pylist()
            self._parts.move_to_end(part)
            while len(self._parts) > PARTS_HELD:
                self._parts.popitem(last=False)
            return self._parts[part]
