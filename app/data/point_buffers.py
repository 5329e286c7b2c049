"""The two binary answers that the map fetches: one place says what their bytes are (`js/buffers.js` reads them).

Both are little-endian and start with 8 bytes: a four-letter mark and the number of points n as uint32.
Points, mark `CMXY`: 2n float32, x and y in turn. Colours, mark `CMCI`: n uint16, a category index per point.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import ArrayLike

POINTS_MARK, COLOURS_MARK = b"CMXY", b"CMCI"
NO_CATEGORY = 65535  # drawn in grey and listed last
MAX_CATEGORIES = NO_CATEGORY
MEDIA_TYPE = "application/octet-stream"


def pack_points(points: ArrayLike) -> bytes:
    """The body of the points route.

    Args:
        points: (n, 2) x, y; a point that is not finite is never drawn but keeps its index.

    Raises:
        ValueError: an array of another shape.
    """
    xy = np.asarray(points, dtype="<f4")
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"points of shape {xy.shape}: the map needs (n, 2)")
    return _header(POINTS_MARK, len(xy)) + np.ascontiguousarray(xy).tobytes()


def pack_colours(categories: ArrayLike) -> bytes:
    """The body of the colours route.

    Args:
        categories: (n,) integers, an index into the map's list of names; negative means no category.

    Raises:
        ValueError: an array of another shape or kind, or an index of 65535 or more.
    """
    index = np.asarray(categories)
    if index.ndim != 1 or (index.size and not np.issubdtype(index.dtype, np.integer)):
        raise ValueError(f"categories of shape {index.shape} and type {index.dtype}: the map needs (n,) integers")
    if index.size and index.max() >= MAX_CATEGORIES:
        raise ValueError(f"category {index.max()}: the map can show at most {MAX_CATEGORIES} categories")
    return _header(COLOURS_MARK, len(index)) + np.where(index < 0, NO_CATEGORY, index).astype("<u2").tobytes()


def _header(mark: bytes, n: int) -> bytes:
    return struct.pack("<4sI", mark, n)
