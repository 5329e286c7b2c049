"""Files and folders that a person names for results: checked before long work, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.images.kinds import looks_like_image
from comus_core.permissions import may_write
from comus_core.workspace.files import replacing

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def writable_file(path: Path) -> Path:
    """The path, if a file can be written there; folders that are missing can be made then, nothing is made now.

    Raises:
        SettingsError: it is a folder or an image, lies below a file, or where nothing may be written.
    """
    if _is_folder(path):
        raise SettingsError(f"cannot write {path}: it is a folder; name a file in it, such as {path / 'result'}")
    if _is_device(path):
        return path
    if path.is_file() and looks_like_image(path):
        raise SettingsError(f"cannot write {path}: an image of yours is there; name another file")
    return _check_above(path)


def writable_folder(path: Path) -> Path:
    """The path, if files can be written in that folder; a missing one can be made then, nothing is made now.

    Raises:
        SettingsError: it is a file, lies below one, or where nothing may be written.
    """
    return _check_above(path / "any file", named=path)


def write_output(path: Path, content: bytes) -> None:
    """Write a file that a person asked for, with the folders above it; one that is there is replaced at once.

    Raises:
        SettingsError: it cannot be written; says why and what to do.
    """
    writable_file(path)
    try:
        if _is_device(path):  # /dev/stdout, a pipe: not to be replaced by a file
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path.resolve()) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise output_error(error, path) from error
    except WorkspaceError as fault:
        raise (output_error(fault.__cause__, path) if isinstance(fault.__cause__, OSError) else fault) from fault


def write_json_output(path: Path, value: Any) -> None:
    """The same for readable JSON.

    Raises:
        SettingsError: see `write_output`.
    """
    write_output(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def output_error(error: OSError, path: Path) -> SettingsError:
    """What the operating system said about a path of the person's, in words that say what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SettingsError(f"cannot write {path}: the disk is full; free some space there or choose another place")
    why = "it may only be read" if error.errno in READ_ONLY else error.strerror or error
    return SettingsError(f"cannot write {path}: {why}; choose another place, or change its permissions")


def _check_above(path: Path, *, named: Path | None = None) -> Path:
    """The path named, if its nearest folder that is there may be written."""
    named = named or path
    for folder in Path(os.path.abspath(path)).parents:
        try:
            folder.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise output_error(error, named) from None
        if not folder.is_dir():
            raise SettingsError(f"cannot write {named}: {folder} is not a folder; choose another place")
        if not may_write(folder):
            raise SettingsError(
                f"cannot write {named}: you may not write in {folder}; choose another place, or change its permissions"
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
