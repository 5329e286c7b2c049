"""The largest of many images, without opening each."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from pathlib import Path

from comus_core.datasets.decoding import size_hw
from comus_core.errors import ImageError

OPENED = 32  # largest files, whose headers are read, in tens of milliseconds


def largest_pixels(paths: Iterable[Path]) -> int:
    """Pixels of the largest image among the largest files; 0 if none of them can be read.

    A large image in a small file, such as an empty drawing, can be missed: this is an estimate.
    """
    sizes = (_bytes_of(path) for path in paths)
    largest = heapq.nlargest(OPENED, (size for size in sizes if size is not None))
    return max((_pixels(path) for _, path in largest), default=0)


def _bytes_of(path: Path) -> tuple[int, Path] | None:
    try:
        return path.stat().st_size, path
    except OSError:
        return None


def _pixels(path: Path) -> int:
    try:
        height, width = size_hw(path)
    except ImageError:
        return 0
    return height * width
