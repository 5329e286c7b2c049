"""Selections drawn on the map, kept under a short key, so that an address can name one and be shared."""

from __future__ import annotations

from hashlib import sha256

from comus_core.errors import WorkspaceError
from comus_core.selection import Gesture, gestures_from_text, gestures_to_text
from comus_core.workspace.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS selections (key TEXT PRIMARY KEY, gestures TEXT NOT NULL)"
KEY_LENGTH = 12


class SelectionTable:
    """The selections of a workspace; the same drawing has the same key."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.reading() as connection:
            connection.execute(SCHEMA)

    def keep(self, gestures: tuple[Gesture, ...]) -> str:
        """Store the gestures and return their key, 12 hex digits; no gestures have the key ''."""
        if not gestures:
            return ""
        text = gestures_to_text(gestures)
        key = sha256(text.encode()).hexdigest()[:KEY_LENGTH]
        with self.database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO selections VALUES (?, ?)", (key, text))
        return key

    def read(self, key: str) -> tuple[Gesture, ...]:
        """The gestures of a key, in the order drawn.

        Raises:
            WorkspaceError: the key is unknown, as in an address from another workspace.
        """
        if not key:
            return ()
        with self.database.reading() as connection:
            row = connection.execute("SELECT gestures FROM selections WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise WorkspaceError(f"no selection '{key[:40]}' in this workspace: draw it on the map again")
        return gestures_from_text(row["gestures"])
