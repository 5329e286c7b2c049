"""Measures of masks that a person drew or changed, by content: derived, so that each drawing is measured once."""

from __future__ import annotations

import json
from typing import Any

from comus_core.workspace.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS redrawn_measures (key TEXT PRIMARY KEY, rows TEXT NOT NULL)"


class RedrawnMeasures:
    """A cache of measures, image by image; a lost row is measured again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def read(self, key: str) -> list[dict[str, Any]] | None:
        """The measures of the changed objects of an image that are stored under a key, or None."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT rows FROM redrawn_measures WHERE key = ?", (key,)).fetchone()
        return None if row is None else list(json.loads(row["rows"]))

    def keep(self, key: str, rows: list[dict[str, Any]]) -> None:
        """Store measures under a key that says everything they are made from."""
        with self.database.deriving() as connection:
            connection.execute("INSERT OR REPLACE INTO redrawn_measures VALUES (?, ?)", (key, json.dumps(rows)))
