"""Atomic writing: a kill at any moment leaves either the old file or the new one, never half of one."""

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
from comus_core.files.memory_faults import OUT_OF_MEMORY, lacks_memory

TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.\d+\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` when the block ends.

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
    """Whether a file has the name of one that `replacing` writes; a kill leaves such files behind."""
    return TEMPORARY.fullmatch(path.name) is not None


def remove_temporary(folder: Path) -> None:
    """Remove what killed writers left anywhere in a folder; only while no one else writes there."""
    for path in [p for p in folder.rglob(".*.tmp") if p.is_file()]:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Flush a file's content, or a folder's names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_error(error: OSError, path: Path) -> WorkspaceError:
    """An operating system error as a message that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(
            f"the disk is full at {path}: free some space and run again; finished shards are kept. `comus disk` shows "
            "what uses the space in the workspace, `comus clean` frees some",
            path,
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return WorkspaceError(
            f"cannot write {path}: {error.strerror}; choose another --workspace, or change its permissions"
        )
    if lacks_memory(error):
        return WorkspaceError(f"cannot write {path}: {OUT_OF_MEMORY}")
    return WorkspaceError(f"cannot write {path}: {error.strerror or error}")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; raises as `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, keys in their order."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
