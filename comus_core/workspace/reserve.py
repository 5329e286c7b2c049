"""Space on the disk of a workspace: how much work needs, and a reserve freed on a full disk, as deleting needs some."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comus_core.errors import DiskFullError
from comus_core.text import size

RESERVE = "comus.sqlite-reserve"
RESERVE_BYTES = 2 << 20  # enough for the database to delete a run with many decisions
ROOM_TO_START = 128 << 20  # bytes free below which no job is started
ROOM_TO_GO_ON = 32 << 20  # bytes free below which a job stops: the database must still be able to say so
LEAST = 1 << 20  # bytes free below which a disk counts as full: SQLite grows in steps of 32 KiB


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder is full."""
    try:
        return shutil.disk_usage(folder).free < LEAST
    except OSError:
        return False


def low_room(folder: Path, least: int) -> str:
    """What to say where fewer than `least` bytes are free on the disk of a folder; '' where there are more."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if free >= least:
        return ""
    return (
        f"only {size(free)} free on the disk of {folder}, {size(least)} are needed: `comus disk` shows what uses the "
        "space, `comus clean` frees some"
    )


def require_room(folder: Path, wanted: int) -> None:
    """Refuse work that will not fit on the disk of a folder, before it begins.

    Raises:
        DiskFullError: fewer than `wanted` bytes, and those that must stay, are free.
    """
    if missing := low_room(folder, wanted + ROOM_TO_GO_ON):
        raise DiskFullError(missing, folder)


def keep_reserve(root: Path) -> None:
    """Create the reserve of a workspace, if it is missing and there is space."""
    path = root / RESERVE
    try:
        if path.exists() or shutil.disk_usage(root).free < RESERVE_BYTES + LEAST:
            return
        with path.open("xb") as file:
            if hasattr(os, "posix_fallocate"):  # allocated: a file of zeros might use no space
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            else:  # macOS
                file.write(os.urandom(RESERVE_BYTES))
    except OSError:  # read-only, or no space any more
        path.unlink(missing_ok=True)


@contextmanager
def reserve_released(root: Path) -> Iterator[None]:
    """Free the reserve of a workspace on a full disk during the block, then create it again."""
    full = is_full(root)
    if full:
        (root / RESERVE).unlink(missing_ok=True)
    try:
        yield
    finally:
        if full:
            keep_reserve(root)
