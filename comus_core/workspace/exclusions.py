"""Which images of a data set are excluded from runs: an append-only record for each data set, with undo."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from comus_core.errors import ConflictError
from comus_core.settings import require
from comus_core.types import ImageId
from comus_core.workspace.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS exclusions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL,
    images TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS exclusions_of_dataset ON exclusions (dataset, id);
"""
StepKind = Literal["exclude", "include"]


@dataclass(frozen=True)
class ExclusionStep:
    """Images that one step excluded, or included again; its number in the table."""

    kind: StepKind
    images: tuple[ImageId, ...]
    number: int


@dataclass(frozen=True)
class Excluded:
    """The excluded images of a data set.

    Attributes:
        images: their ids, sorted.
        steps: in force, oldest first; the last one is what an undo takes back.
    """

    images: tuple[ImageId, ...] = ()
    steps: tuple[ExclusionStep, ...] = ()


class ExclusionTable:
    """The records of a workspace; `dataset` is a data set's string with an absolute path."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    def read(self, dataset: str) -> Excluded:
        """What is excluded now."""
        with self.database.reading() as connection:
            return _read(connection, dataset)

    def add(self, dataset: str, kind: StepKind, image_ids: Iterable[ImageId]) -> Excluded:
        """Exclude images or include them again, as one step; what is so already is no part of it."""
        wanted = set(image_ids)
        with self.database.writing() as connection:
            now = set(_read(connection, dataset).images)
            changed = sorted(wanted - now if kind == "exclude" else wanted & now)
            if changed:
                _append(connection, dataset, kind, changed)
            return _read(connection, dataset)

    def undo(self, dataset: str, last: int | None = None) -> Excluded:
        """Take the last step back.

        Raises:
            SettingsError: there is none.
            ConflictError: the last step is no longer the one with the number `last`, if that is given.
        """
        with self.database.writing() as connection:
            steps = _read(connection, dataset).steps
            require(bool(steps), f"{dataset}: no exclusion to undo")
            if last is not None and steps[-1].number != last:
                raise ConflictError(
                    f"{dataset}: images were excluded or included meanwhile: check the list, then undo again"
                )
            _append(connection, dataset, "undo", [])
            return _read(connection, dataset)


def _read(connection: sqlite3.Connection, dataset: str) -> Excluded:
    query = "SELECT id, kind, images FROM exclusions WHERE dataset = ? ORDER BY id"
    steps: list[ExclusionStep] = []
    for row in connection.execute(query, (dataset,)):
        if row["kind"] == "undo":
            steps = steps[:-1]
        else:
            steps.append(ExclusionStep(row["kind"], tuple(json.loads(row["images"])), row["id"]))
    images: set[str] = set()
    for step in steps:
        images = images | set(step.images) if step.kind == "exclude" else images - set(step.images)
    return Excluded(tuple(sorted(images)), tuple(steps))


def _append(connection: sqlite3.Connection, dataset: str, kind: str, images: list[ImageId]) -> None:
    values = (dataset, datetime.now(UTC).isoformat(timespec="seconds"), kind, json.dumps(images))
    connection.execute("INSERT INTO exclusions (dataset, at, kind, images) VALUES (?, ?, ?, ?)", values)
