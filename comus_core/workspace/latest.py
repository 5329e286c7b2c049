"""Which run, and which training of a run, is meant where none is named: a stored place in front of all others.

A run or training takes the front when it is begun, finished, opened or decided on. When it was last changed is another
matter, and stands in its row.
"""

from __future__ import annotations

import sqlite3

SCHEMA = "CREATE TABLE IF NOT EXISTS latest (id TEXT PRIMARY KEY, place INTEGER NOT NULL)"
JOINED = "LEFT JOIN latest USING (id)"  # to a table with an id
ORDER = "latest.place DESC, updated_at DESC"  # the latest first; what never took the front comes last


def bring_to_front(connection: sqlite3.Connection, *ids: str) -> None:
    """Put these before all others, the first of them at the very front."""
    (front,) = connection.execute("SELECT COALESCE(MAX(place), 0) FROM latest").fetchone()
    places = [(subject, front + place) for place, subject in enumerate(reversed(ids), 1)]
    connection.executemany("INSERT OR REPLACE INTO latest VALUES (?, ?)", places)
