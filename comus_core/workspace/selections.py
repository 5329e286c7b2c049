"""Selections drawn on the map, stored under a short key for URLs."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from comus_core.errors import WorkspaceError
from comus_core.workspace.database import Database
from comus_core.workspace.selection_shapes import Gesture, gestures_from_text, gestures_to_text

SCHEMA = "CREATE TABLE IF NOT EXISTS selections (key TEXT PRIMARY KEY, method TEXT NOT NULL, gestures TEXT NOT NULL)"
KEY_LENGTH = 12


@dataclass(frozen=True)
class Selection:
    """Gestures, and the projection in whose coordinates they were drawn; empty by default.

    Attributes:
        key: the short name of the selection, '' for none.
        method: one of `types.MAP_METHODS`.
        gestures: in the order drawn.
    """

    key: str = ""
    method: str = "tsne"
    gestures: tuple[Gesture, ...] = ()


class SelectionTable:
    """The selections of a workspace; the same drawing has the same key."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def keep(self, method: str, gestures: tuple[Gesture, ...]) -> Selection:
        """Store gestures drawn on the map of a projection; none give the empty selection."""
        if not gestures:
            return Selection()
        text = gestures_to_text(gestures)
        key = sha256(f"{method} {text}".encode()).hexdigest()[:KEY_LENGTH]
        with self.database.writing(by_looking=True) as connection:
            connection.execute("INSERT OR IGNORE INTO selections VALUES (?, ?, ?)", (key, method, text))
        return Selection(key, method, gestures)

    def read(self, key: str) -> Selection:
        """The selection of a key; '' is the empty one.

        Raises:
            WorkspaceError: the key is unknown, as in a URL of another workspace.
        """
        if not key:
            return Selection()
        with self.database.reading() as connection:
            row = connection.execute("SELECT method, gestures FROM selections WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise WorkspaceError(f"no selection '{key[:40]}' in this workspace: draw it on the map again")
        return Selection(key, row["method"], gestures_from_text(row["gestures"]))
