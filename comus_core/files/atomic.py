"""Writing so that a kill at any moment leaves either the old file or the new one, never half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from comus_core.errors import DiskFullError, WorkspaceError

TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.\d+\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there becomes `path` at once on leaving.

    Raises:
        WorkspaceError: the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    short = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]  # the name itself may be as long as a name can be
    temporary = path.with_name(f".{short}.{os.getpid()}.tmp")
    try:
        yield temporary
        flush(temporary)
        os.replace(temporary, path)
        flush(path.parent)  # else a power cut may leave the old name on the new content, or no name at all
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Whether `replacing` gives such a name to what is not written to the end; a kill leaves it behind."""
    return TEMPORARY.fullmatch(path.name) is not None


def remove_temporary(folder: Path) -> None:
    """Remove what killed writers left anywhere in a folder; only for whoever alone may write there."""
    for path in [p for p in folder.rglob(".*.tmp") if p.is_file()]:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have the disk hold what was written to a file, or which names a folder has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_error(error: OSError, path: Path) -> WorkspaceError:
    """What the operating system said, in words that say what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(
            f"the disk is full at {path}: free some space and run again; finished shards are kept. `comus disk` lists "
            "what the workspace takes, `comus clean` makes room in it",
            path,
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return WorkspaceError(f"cannot write {path}: {error.strerror}; choose another --workspace or its permissions")
    return WorkspaceError(f"cannot write {path}: {error.strerror or error}")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, keys in the order given."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
