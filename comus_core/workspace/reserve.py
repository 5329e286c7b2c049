"""A reserve file of a few megabytes, freed on a full disk, since deleting needs some space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESERVE = "comus.sqlite-reserve"
RESERVE_BYTES = 2 << 20  # enough for the database to delete a run with many decisions
LEAST = 1 << 20  # bytes free below which a disk counts as full: SQLite grows in steps of 32 KiB


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder is full."""
    try:
        return shutil.disk_usage(folder).free < LEAST
    except OSError:
        return False


def keep_reserve(root: Path) -> None:
    """Create the reserve of a workspace, if it is missing and there is space."""
    path = root / RESERVE
    try:
        if path.exists() or shutil.disk_usage(root).free < RESERVE_BYTES + LEAST:
            return
        with path.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)  # allocated: a file of zeros might use no space
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
