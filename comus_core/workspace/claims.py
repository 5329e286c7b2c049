"""Large files that are being written, noted in the workspace: what a kill leaves is found wherever it lies.

A note is held by a lock that the system frees when its process dies, whatever ends it.
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
from comus_core.workspace.read_only import may_only_be_read

FOLDER = "writing"


@contextmanager
def claimed(root: Path) -> Iterator[Callable[[Path], Path]]:
    """Yield a function that notes a file or folder as this process's, which removes it or gives it its final name.

    A workspace that may only be read takes no notes: what a kill then leaves of a bundle stays where it is.

    Args:
        root: of the workspace.

    Raises:
        WorkspaceError: the disk is full or the workspace cannot be written.
    """
    if may_only_be_read(root / DATABASE):
        yield lambda path: path
        return
    noted: list[str] = []
    note = own_place(root, FOLDER) / f"{uuid4().hex}.json"
    try:
        make_own(note.parent)
        lock = take_lock(note.with_suffix(""))
        assert lock is not None, "nobody else knows its name"
        os.replace(note.with_suffix(""), note)  # seen only once it is locked
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
    """What dead processes were writing and is still there, and their notes, which come last."""
    notes = [note for note in sorted(own_place(root, FOLDER).glob("*.json")) if not is_locked(note) and note.exists()]
    paths = [path for note in notes for path in _noted(note) if _is_ours(path, root)]
    return [*dict.fromkeys(path for path in paths if path.exists()), *notes]


def _noted(note: Path) -> list[Path]:
    try:
        found = json.loads(lock_text(note))
    except (OSError, ValueError):  # gone meanwhile, or killed before a word was written
        return []
    return [Path(path) for path in found if isinstance(path, str)] if isinstance(found, list) else []


def _is_ours(path: Path, root: Path) -> bool:
    """Whether it may be removed: below the workspace, or a file by whose name nothing of a person's is called."""
    return path.resolve().is_relative_to(root.resolve()) or (is_temporary(path) and path.is_file())
