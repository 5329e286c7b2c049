"""The database of a read-only workspace, read from a copy, since SQLite writes files beside it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from threading import Lock

from comus_core.errors import WorkspaceError
from comus_core.files.permissions import may_write

Stamp = tuple[int, ...]


def is_read_only(path: Path) -> bool:
    """Whether the database at `path`, or its folder, cannot be written."""
    return not may_write(path.parent) or (path.exists() and not may_write(path))


def read_only_error(folder: Path) -> WorkspaceError:
    """The error for changes to a read-only workspace."""
    return WorkspaceError(
        f"workspace {folder} is read-only: nothing can be changed or computed in it; use a writable copy with "
        "--workspace, or change its permissions"
    )


class CopiedDatabase:
    """A temporary copy, renewed when the original has changed, and removed with this object."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise WorkspaceError(
                f"workspace {path.parent} is read-only and empty: choose another with --workspace, or change its "
                "permissions"
            )
        self.path = path
        self._folder = tempfile.TemporaryDirectory(prefix="comus-", ignore_cleanup_errors=True)
        self._copied: Stamp | None = None
        self._number = 0
        self._lock = Lock()

    def current(self, stamp: Stamp, schemas: Iterable[str]) -> Path:
        """The current copy.

        `stamp` is that of the original, see `Database.stamp`; `schemas` are SQL of the required tables.

        Raises:
            sqlite3.Error: the original is damaged.
        """
        with self._lock:
            if stamp != self._copied:
                self._number += 1  # others may still read the one before
                self._copied = stamp
                for ending in ("", "-wal"):
                    source = self.path.with_name(self.path.name + ending)
                    if source.exists():
                        shutil.copyfile(source, Path(f"{self._copy}{ending}"))
                with closing(sqlite3.connect(self._copy)) as connection:
                    for schema in schemas:
                        connection.executescript(schema)
            return self._copy

    @property
    def _copy(self) -> Path:
        return Path(self._folder.name) / f"{self._number}.sqlite"
