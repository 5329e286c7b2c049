"""What was measured to be fastest on a machine, so that the same question has one answer ever after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from comus_core.workspace.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS probes (question TEXT PRIMARY KEY, answer TEXT NOT NULL)"


class ProbeTable:
    """The answers of a workspace by their question; the first answer stays until it is forgotten."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def find(self, question: str) -> dict[str, Any] | None:
        """The answer; None where nothing was measured yet."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT answer FROM probes WHERE question = ?", (question,)).fetchone()
        return dict(json.loads(row["answer"])) if row is not None else None

    def keep(self, question: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Store an answer, unless another process has one meanwhile; the answer that holds."""
        with self.database.writing(by_looking=True) as connection:
            connection.execute("INSERT OR IGNORE INTO probes VALUES (?, ?)", (question, json.dumps(dict(answer))))
        found = self.find(question)
        assert found is not None, "it was stored"
        return found

    def forget(self, question: str) -> None:
        """Drop an answer that no longer holds; nothing where there is none."""
        with self.database.writing(by_looking=True) as connection:
            connection.execute("DELETE FROM probes WHERE question = ?", (question,))
