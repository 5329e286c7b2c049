"""The database of a workspace that may only be read: looked at in a copy, for SQLite writes beside what it reads."""

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


def may_only_be_read(path: Path) -> bool:
    """Whether the database at `path`, or the folder that it lies in, cannot be written."""
    return not may_write(path.parent) or (path.exists() and not may_write(path))


def refused(folder: Path) -> WorkspaceError:
    """What is said to those who would change or compute something in it."""
    return WorkspaceError(
        f"workspace {folder} may only be read: nothing can be changed or computed in it; copy it to where you may "
        "write and name the copy with --workspace, or change its permissions"
    )


class CopiedDatabase:
    """A copy in a folder for temporary files, made anew when the original has changed, and removed with this object."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise WorkspaceError(
                f"workspace {path.parent} may only be read, and nothing is in it yet: name another with --workspace, "
                "or change its permissions"
            )
        self.path = path
        self._folder = tempfile.TemporaryDirectory(prefix="comus-", ignore_cleanup_errors=True)
        self._copied: Stamp | None = None
        self._number = 0
        self._lock = Lock()

    def current(self, stamp: Stamp, schemas: Iterable[str]) -> Path:
        """The copy of what is there now.

        Args:
            stamp: of the original, see `Database.stamp`.
            schemas: of the tables that it must have, as SQL.

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
