"""The list of names that a person keeps for the clusters of a run, to choose from."""

from __future__ import annotations

import json
from collections.abc import Sequence

from comus_core.workspace.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS name_lists (run TEXT PRIMARY KEY, names TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS name_list_of_no_run AFTER DELETE ON runs BEGIN
    DELETE FROM name_lists WHERE run = OLD.id;
END;
"""


class NameLists:
    """A list a run; it is no decision: a name is one when a cluster has it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def keep(self, run: str, names: Sequence[str]) -> None:
        """Replace the list of a run; an empty one removes it.

        Raises:
            WorkspaceError: the workspace is read-only.
        """
        with self.database.writing() as connection:
            connection.execute("DELETE FROM name_lists WHERE run = ?", (run,))
            if names:
                text = json.dumps(list(names), ensure_ascii=False)
                connection.execute("INSERT INTO name_lists VALUES (?, ?)", (run, text))

    def read(self, run: str) -> list[str]:
        """The list of a run, empty if there is none."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT names FROM name_lists WHERE run = ?", (run,)).fetchone()
        return [str(name) for name in json.loads(row["names"])] if row is not None else []
