"""Pixels counted inside redrawn masks, by content: derived, so that ground truth is read once for each drawing."""

from __future__ import annotations

import json

import numpy as np

from comus_core.types import IntArray
from comus_core.workspace.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS redrawn_counts (key TEXT PRIMARY KEY, pixels TEXT NOT NULL)"


class RedrawnCounts:
    """A cache of counts of images; a lost row is counted again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def read(self, key: str) -> IntArray | None:
        """The (m + 1, n) int64 pixels stored under a key, or None."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT pixels FROM redrawn_counts WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.array(json.loads(row["pixels"]), np.int64)

    def keep(self, key: str, pixels: IntArray) -> None:
        """Store counts under a key that says everything they are made from."""
        row = (key, json.dumps(pixels.tolist()))
        with self.database.deriving() as connection:
            connection.execute("INSERT OR REPLACE INTO redrawn_counts VALUES (?, ?)", row)
