"""The SQLite database (WAL) of a workspace: runs, decisions, file hashes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from comus_core.errors import DiskFullError, WorkspaceError
from comus_core.files.memory_faults import OUT_OF_MEMORY
from comus_core.machine.room import has_room
from comus_core.person import require_operator
from comus_core.workspace.read_only import CopiedDatabase, is_read_only, read_only_error
from comus_core.workspace.reserve import is_full

LEAST_ROOM = 2**22  # bytes without which a fault of SQLite is one of memory
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
CREATE TABLE IF NOT EXISTS deciders (event INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS deciders_of_no_event AFTER DELETE ON events BEGIN
    DELETE FROM deciders WHERE event = OLD.id;
END;
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
        self._complete: set[str] = set()
        self._copied = CopiedDatabase(path) if is_read_only(path) else None
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        self.define(SCHEMA)

    def define(self, *schemas: str) -> None:
        """Create missing tables, which an older version may lack.

        The SQL changes nothing when repeated.

        Raises:
            WorkspaceError: see `_connected`.
        """
        self._schemas += [schema for schema in schemas if schema not in self._schemas]
        with self._connected() as connection:
            for schema in schemas:
                connection.executescript(schema)

    def add_columns(self, table: str, columns: Mapping[str, str]) -> None:
        """Add columns that an older version's table may lack: name -> its SQL type and default.

        A read-only workspace stays as it is: its rows lack them.

        Raises:
            WorkspaceError: see `_connected`.
        """
        if self._copied is not None or table in self._complete:
            return
        with self._connected() as connection:
            missing = _missing(connection, table, columns)
        if missing:
            with self.writing(by_looking=True) as connection:  # another process may have added them meanwhile
                for name in _missing(connection, table, columns):
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")
        self._complete.add(table)

    def stamp(self) -> tuple[int, ...]:
        """A value that differs after every committed change, except within one tick of the file system's clock."""
        values = []
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            try:
                stat = path.stat()
                values += [stat.st_mtime_ns, stat.st_size, stat.st_ino]
            except OSError:
                values.append(0)
        return tuple(values)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading; never waits for a writer."""
        with self._connected() as connection:
            yield connection

    @contextmanager
    def writing(self, *, by_looking: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection with the write lock; its changes are committed at the end of the block, all or none.

        `by_looking` is for what a person who only looks leaves behind, such as a selection that is in an address.

        Raises:
            NotAllowedError: who acts may only look.
            WorkspaceError: see `_connected`; or the workspace is read-only.
        """
        if not by_looking:
            require_operator()
        if self._copied is not None:
            raise read_only_error(self.path.parent)
        with self.deriving() as connection:
            yield connection

    @contextmanager
    def deriving(self) -> Iterator[sqlite3.Connection]:
        """Like `writing`, for derived data only: in a read-only workspace it is written to the temporary copy."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _opened_path(self) -> Path:
        return self.path if self._copied is None else self._copied.current(self.stamp(), self._schemas)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection, closed at the end of the block, which rolls back uncommitted changes.

        Raises:
            WorkspaceError: the file is damaged, locked for long, or the disk is full.
        """
        connection: sqlite3.Connection | None = None
        try:
            connection = self._open()
            yield connection
        except sqlite3.Error as error:
            raise self._fault(error) from error
        finally:
            if connection is not None:
                connection.close()

    def _open(self) -> sqlite3.Connection:
        """A connection that has read; on a full disk an exclusive one, which needs no file beside the database.

        SQLite's log has an index that all readers share: a file of 32 KiB, created by the first.
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
                f"the disk is full at {self.path.parent}: `comus disk` shows what uses the space, `comus clean` and "
                "`comus runs delete` free some",
                self.path,
            )
        reason = str(error) if has_room(LEAST_ROOM) else OUT_OF_MEMORY  # SQLite calls it a fault of the disk
        return WorkspaceError(f"workspace database {self.path}: {reason}")


def _missing(connection: sqlite3.Connection, table: str, columns: Mapping[str, str]) -> list[str]:
    """The columns that a table lacks."""
    there = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
    return [name for name in columns if name not in there]


def connect(path: Path, *, alone: bool = False) -> sqlite3.Connection:
    """A connection that waits for others and has read; transactions are explicit.

    `alone` makes it exclusive, so that it needs no shared file.

    Raises:
        sqlite3.OperationalError: it cannot be opened.
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
