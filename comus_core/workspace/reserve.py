"""A few megabytes set aside in a workspace, given back when its disk is full: to remove something takes some room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESERVE = "comus.sqlite-reserve"
RESERVE_BYTES = 2 << 20  # what the database writes when a run of many decisions is deleted, and some folders
LEAST = 1 << 20  # bytes free below which a disk counts as full: SQLite takes room in steps of 32 KiB


def is_full(folder: Path) -> bool:
    """Whether next to nothing can be written where a folder is."""
    try:
        return shutil.disk_usage(folder).free < LEAST
    except OSError:
        return False


def keep_reserve(root: Path) -> None:
    """Set the reserve of a workspace aside, if it is not there and more than it is free."""
    path = root / RESERVE
    try:
        if path.exists() or shutil.disk_usage(root).free < RESERVE_BYTES + LEAST:
            return
        with path.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)  # truly taken: a file of zeros might hold nothing
    except OSError:  # read-only, or the room went meanwhile: then there is none, as before
        path.unlink(missing_ok=True)


@contextmanager
def reserve_released(root: Path) -> Iterator[None]:
    """While something is removed from a workspace on a full disk its reserve is free; then it is set aside anew."""
    full = is_full(root)
    if full:
        (root / RESERVE).unlink(missing_ok=True)
    try:
        yield
    finally:
        if full:
            keep_reserve(root)
