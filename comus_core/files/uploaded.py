"""Files that came from a browser, written under names that every file system takes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from comus_core.files.file_names import free_name, name_key

SPARE_BYTES = 256 << 20  # that must stay free on the disk


def write_uploads(folder: Path, files: Sequence[tuple[str, IO[bytes]]], unnamed: str) -> list[tuple[str, Path]]:
    """Write files into a folder of their own; the name that each came with, and its path.

    Of each name only its last part counts, without what no file name holds, or `unnamed` where nothing is left; two of
    one name are told apart.

    Raises:
        OSError: the disk is full, or would be nearly so, or not writable.
    """
    taken: set[str] = set()
    written = []
    for name, content in files:
        _require_space(folder, content)
        own = free_name(PurePosixPath(name.replace("\\", "/")).name or unnamed, taken)
        taken.add(name_key(own))
        with (folder / own).open("xb") as file:
            shutil.copyfileobj(content, file)
        written.append((name, folder / own))
    return written


def _require_space(folder: Path, content: IO[bytes]) -> None:
    """Refuse a file that would leave fewer than `SPARE_BYTES` on the disk."""
    place = content.tell()
    wanted = content.seek(0, os.SEEK_END) - place
    content.seek(place)
    if shutil.disk_usage(folder).free < wanted + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
