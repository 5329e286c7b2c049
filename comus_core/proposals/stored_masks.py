"""Masks read from disk on demand: those of 100,000 proposals are 70 MB, and a page needs a few hundred."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from comus_core.types import StrArray

CACHED_PARTS = 12  # row groups, each about a megabyte


class StoredMasks:
    """The `rle` column of a stored table of proposals, (n,) bytes, read on demand by row group.

    It is indexed like an array: a row gives bytes, several rows an array. Thread-safe.
    """

    def __init__(self, table: Path) -> None:
        self._file = pq.ParquetFile(table)
        metadata = self._file.metadata
        rows = [metadata.row_group(part).num_rows for part in range(metadata.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
        self._parts: OrderedDict[int, list[bytes]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, int | np.integer):
            return self._mask(range(len(self))[rows])
        chosen = np.arange(len(self))[rows]
        masks: StrArray = np.empty(len(chosen), object)
        masks[:] = [self._mask(int(row)) for row in chosen]
        return masks

    def _mask(self, row: int) -> bytes:
        part = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self._part(part)[row - int(self.starts[part])]

    def _part(self, part: int) -> list[bytes]:
        with self._lock:
            if part not in self._parts:
                self._parts[part] = self._file.read_row_group(part, columns=["rle"]).column(0).to_pylist()
            self._parts.move_to_end(part)
            while len(self._parts) > CACHED_PARTS:
                self._parts.popitem(last=False)
            return self._parts[part]
