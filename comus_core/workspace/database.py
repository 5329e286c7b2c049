"""The small things of a workspace in one SQLite file (WAL): runs, decisions, known file hashes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comus_core.errors import DiskFullError, WorkspaceError
from comus_core.workspace.read_only import CopiedDatabase, may_only_be_read, refused
from comus_core.workspace.reserve import is_full

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', archived INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, state TEXT NOT NULL,
    config TEXT NOT NULL, provenance TEXT NOT NULL, artifacts TEXT NOT NULL, result TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, clustering TEXT NOT NULL,
    at TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run, clustering, id);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS speeds (
    work TEXT NOT NULL, machine TEXT NOT NULL, seconds_per_item REAL NOT NULL, PRIMARY KEY (work, machine)
);
"""


class Database:
    """Short-lived connections to one file: safe from any thread and any number of processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._schemas: list[str] = []
        self._copied = CopiedDatabase(path) if may_only_be_read(path) else None
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        self.define(SCHEMA)

    def define(self, *schemas: str) -> None:
        """See to it that tables are there, as an older program may not have made them; else this writes nothing.

        Args:
            schemas: SQL that changes nothing where it was done before.

        Raises:
            WorkspaceError: see `_connected`.
        """
        self._schemas += [schema for schema in schemas if schema not in self._schemas]
        with self._connected() as connection:
            for schema in schemas:
                connection.executescript(schema)

    def stamp(self) -> tuple[int, ...]:
        """What differs after every change that any process commits, but for two within the file system's clock tick."""
        found = []
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            try:
                stat = path.stat()
                found += [stat.st_mtime_ns, stat.st_size, stat.st_ino]
            except OSError:
                found.append(0)
        return tuple(found)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to ask; never waits for a writer."""
        with self._connected() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write; its work is committed on leaving, all of it or none.

        Raises:
            WorkspaceError: see `_connected`; or the workspace may only be read.
        """
        if self._copied is not None:
            raise refused(self.path.parent)
        with self.deriving() as connection:
            yield connection

    @contextmanager
    def deriving(self) -> Iterator[sqlite3.Connection]:
        """As `writing`, for what is only worked out from what is there: without a place for it, it lasts for a while.

        Of a workspace that may only be read, it is kept in the copy that is looked at.
        """
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _opened_path(self) -> Path:
        return self.path if self._copied is None else self._copied.current(self.stamp(), self._schemas)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection, closed on leaving; closing undoes what was not committed.

        Raises:
            WorkspaceError: the file is damaged, locked for long, or the disk is full.
        """
        connection: sqlite3.Connection | None = None
        try:
            connection = self._opened()
            yield connection
        except sqlite3.Error as error:
            raise self._fault(error) from error
        finally:
            if connection is not None:
                connection.close()

    def _opened(self) -> sqlite3.Connection:
        """A connection that has read; on a full disk one that needs no file beside the database, and keeps others out.

        SQLite's log has an index that all who read it share: a file of 32 KiB, made by the first.
        """
        path = self._opened_path()
        try:
            return connect(path)
        except sqlite3.OperationalError:
            if not is_full(self.path.parent):
                raise
            return connect(path, alone=True)

    def _fault(self, error: sqlite3.Error) -> WorkspaceError:
        if isinstance(error, sqlite3.OperationalError) and is_full(self.path.parent):
            return DiskFullError(
                f"the disk is full at {self.path.parent}: `comus disk` lists what takes the room, `comus clean` and "
                "`comus runs delete` make some",
                self.path,
            )
        return WorkspaceError(f"workspace database {self.path}: {error}")


def connect(path: Path, *, alone: bool = False) -> sqlite3.Connection:
    """A connection that waits for others and has read; its transactions are begun and ended by hand.

    `alone` keeps others out, and so needs no file to share with them.

    Raises:
        sqlite3.OperationalError: not even that could be done.
    """
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        if alone:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
