"""Lists of images under a short key for URLs: what is too long for an address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from comus_core.errors import WorkspaceError
from comus_core.workspace.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS image_lists (key TEXT PRIMARY KEY, content TEXT NOT NULL)"
KEY_LENGTH = 12


class ImageListTable:
    """The lists of a workspace; the same list has the same key."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def keep(self, image_ids: Sequence[str]) -> str:
        """Store ids of images; '' for none. The key of the list."""
        return self.keep_text(json.dumps(list(image_ids), ensure_ascii=False)) if image_ids else ""

    def read(self, key: str) -> tuple[str, ...]:
        """The ids under a key; '' has none.

        Raises:
            WorkspaceError: the key is unknown, as in a URL of another workspace.
        """
        return tuple(json.loads(self.text(key))) if key else ()

    def keep_text(self, content: str) -> str:
        """Store a text; its key."""
        key = sha256(content.encode()).hexdigest()[:KEY_LENGTH]
        with self.database.reading() as connection:
            if connection.execute("SELECT 1 FROM image_lists WHERE key = ?", (key,)).fetchone():
                return key
        with self.database.writing(by_looking=True) as connection:
            connection.execute("INSERT OR IGNORE INTO image_lists VALUES (?, ?)", (key, content))
        return key

    def text(self, key: str) -> str:
        """The text under a key.

        Raises:
            WorkspaceError: see `read`.
        """
        with self.database.reading() as connection:
            row = connection.execute("SELECT content FROM image_lists WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise WorkspaceError(f"no list of images '{key[:40]}' in this workspace: select the images again")
        return str(row["content"])
