"""Files and folders that a person names for results: checked before long work, written whole or not at all.

A file that COMUS did not write (see `written_files`) is replaced only with `force`.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.files.atomic import write_bytes
from comus_core.files.permissions import may_write
from comus_core.files.written_files import is_as_written, note_written

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class OutputFile:
    """A file that a person named for a result.

    Attributes:
        path: the file; of the command line also `-`, standard output.
        force: whether to replace a file that COMUS did not write.
    """

    path: Path
    force: bool = False

    def __str__(self) -> str:
        return str(self.path)


def writable_file(path: Path, *, force: bool = False, is_own: Callable[[Path], bool] = is_as_written) -> Path:
    """The path, if a file can be written there. Missing folders are not created yet.

    `force` allows replacing a file that COMUS did not write, as `is_own` tells.

    Raises:
        SettingsError: it is a folder, a file that COMUS did not write, below a file, or in a read-only folder.
    """
    if _is_folder(path):
        raise SettingsError(f"cannot write {path}: it is a folder; choose a file in it, such as {path / 'result'}")
    if _is_device(path):
        return path
    if not force and is_foreign(path, is_own):
        raise SettingsError(
            f"cannot write {path}: COMUS did not write the existing file, or it was changed since; choose another "
            "file, or replace it with --force"
        )
    return _check_above(path)


def is_foreign(path: Path, is_own: Callable[[Path], bool] = is_as_written) -> bool:
    """Whether a non-empty file exists that COMUS did not write."""
    try:
        return path.is_file() and path.stat().st_size > 0 and not is_own(path)
    except OSError as error:
        raise output_error(error, path) from None


def writable_folder(path: Path) -> Path:
    """The path, if files can be written in that folder. A missing folder is not created yet.

    Raises:
        SettingsError: it is a file, below a file, or read-only.
    """
    return _check_above(path / "any file", named=path)


def write_output(path: Path, content: bytes, *, force: bool = False) -> bool:
    """Write a result to a file, with the folders above it; an earlier result is replaced atomically.

    With `force` it also replaces a file that COMUS did not write.

    Returns:
        Whether such a file was replaced.

    Raises:
        SettingsError: it cannot be written.
    """
    writable_file(path, force=force)
    try:
        if _is_device(path):  # /dev/stdout, a pipe: not to be replaced by a file
            path.write_bytes(content)
            return False
        replaced = is_foreign(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path.resolve(), content)
        note_written(path)
        return replaced
    except OSError as error:
        raise output_error(error, path) from error
    except WorkspaceError as fault:
        raise (output_error(fault.__cause__, path) if isinstance(fault.__cause__, OSError) else fault) from fault


def write_json_output(path: Path, value: Any, *, force: bool = False) -> bool:
    """Write a value as indented JSON; see `write_output`.

    Raises:
        SettingsError: see `write_output`.
    """
    return write_output(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(), force=force)


def output_error(error: OSError, path: Path) -> SettingsError:
    """An operating system error about an output path, as a message that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SettingsError(f"cannot write {path}: the disk is full; free some space or choose another location")
    reason = "it is read-only" if error.errno in READ_ONLY else error.strerror or error
    return SettingsError(f"cannot write {path}: {reason}; choose another location, or change its permissions")


def _check_above(path: Path, *, named: Path | None = None) -> Path:
    """`path`, or `named`, if the nearest existing folder above it can be written."""
    named = named or path
    for folder in Path(os.path.abspath(path)).parents:
        try:
            folder.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise output_error(error, named) from None
        if not folder.is_dir():
            raise SettingsError(f"cannot write {named}: {folder} is not a folder; choose another location")
        if not may_write(folder):
            raise SettingsError(
                f"cannot write {named}: {folder} is not writable; choose another location, or change its permissions"
            )
        break
    return named


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise output_error(error, path) from None


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()
