"""A folder of results that appears whole or not at all: filled under a temporary name, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.files.atomic import flush
from comus_core.files.file_locks import take_lock
from comus_core.files.output_file import output_error, writable_folder
from comus_core.text import first_of


def new_folder(path: Path) -> Path:
    """The path, if a folder can be made there: nothing is there, or an empty folder.

    Raises:
        SettingsError: it is a file, holds files, or cannot be made.
    """
    path = Path(os.path.abspath(path))
    try:
        names = sorted(os.listdir(path))
    except FileNotFoundError:
        return writable_folder(path)
    except NotADirectoryError:
        raise SettingsError(f"cannot write {path}: it is a file, or below one; choose another folder") from None
    except OSError as error:
        raise output_error(error, path) from None
    if names:
        raise SettingsError(
            f"cannot write {path}: it is not empty, it holds {first_of(names, 3)}; choose a new folder, or empty it"
        )
    return writable_folder(path)


@contextmanager
def making(path: Path) -> Iterator[Path]:
    """A fresh folder beside `path`, which gets that name when the block ends without an error.

    What a killed process left of an earlier attempt is removed first.

    Raises:
        SettingsError: as `new_folder`; the disk is full.
        WorkspaceError: another process is making the same folder.
    """
    path = new_folder(path)
    partial, lock_file = (path.with_name(f".{path.name}.comus-{kind}") for kind in ("partial", "lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = take_lock(lock_file)
        if lock is None or not lock.holds(lock_file):
            raise WorkspaceError(f"{path}: another process is writing there; choose another folder")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            yield partial
            _flush(partial)
            new_folder(path)  # as it is by now
            if path.exists():
                path.rmdir()
            os.rename(partial, path)
            flush(path.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            lock_file.unlink(missing_ok=True)
            lock.release()
    except OSError as error:
        raise output_error(error, path) from error


def _flush(folder: Path) -> None:
    for inner in [*folder.rglob("*"), folder]:
        flush(inner)
