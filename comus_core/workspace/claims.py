"""Notes in the workspace of large files being written, so that leftovers of killed processes can be found.

A note is locked by its process; the system frees the lock when the process ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from comus_core.files.atomic import disk_error, is_temporary
from comus_core.files.file_locks import is_locked, lock_text, take_lock
from comus_core.files.own_folders import DATABASE
from comus_core.files.own_places import make_own, own_place
from comus_core.workspace.read_only import is_read_only

FOLDER = "writing"


@contextmanager
def claimed(root: Path) -> Iterator[Callable[[Path], Path]]:
    """Yield a function that notes a file or folder as being written by this process.

    A read-only workspace takes no notes: leftovers of a killed process then stay.

    Raises:
        WorkspaceError: the disk is full or the workspace cannot be written.
    """
    if is_read_only(root / DATABASE):
        yield lambda path: path
        return
    noted: list[str] = []
    note = own_place(root, FOLDER) / f"{uuid4().hex}.json"
    try:
        make_own(note.parent)
        lock = take_lock(note.with_suffix(""))
        assert lock is not None, "the name is unique"
        os.replace(note.with_suffix(""), note)  # visible only when locked
    except OSError as error:
        raise disk_error(error, note) from error

    def add(path: Path) -> Path:
        noted.append(str(path.absolute()))
        try:
            lock.write(json.dumps(noted))
        except OSError as error:
            raise disk_error(error, note) from error
        return path

    try:
        yield add
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def abandoned(root: Path) -> list[Path]:
    """Leftovers of dead processes, and last their notes."""
    notes = [note for note in sorted(own_place(root, FOLDER).glob("*.json")) if not is_locked(note) and note.exists()]
    paths = [path for note in notes for path in _noted(note) if _is_ours(path, root)]
    return [*dict.fromkeys(path for path in paths if path.exists()), *notes]


def _noted(note: Path) -> list[Path]:
    try:
        paths = json.loads(lock_text(note))
    except (OSError, ValueError):  # removed, or killed before anything was written
        return []
    return [Path(path) for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


def _is_ours(path: Path, root: Path) -> bool:
    """Whether it may be removed: it is in the workspace, or has the name of a temporary file."""
    return path.resolve().is_relative_to(root.resolve()) or (is_temporary(path) and path.is_file())
