"""Two resizing rules: output pixel i is at the input coordinate (i + 1/2) · in / out − 1/2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BAND_PIXELS = 2**21  # of the result that are computed at a time


def resize_bilinear(array: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Interpolate linearly between the two nearest input pixels per axis, clamped at the border, no antialiasing.

    Args:
        array: (h, w) or (h, w, c), any real dtype.
        size_hw: the new height and width.

    Returns:
        (H, W) or (H, W, c) float32; a constant stays exactly that constant.
    """
    parts = [part for _, part in bilinear_bands(array, size_hw)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def bilinear_bands(array: NDArray[Any], size_hw: tuple[int, int]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """The result of `resize_bilinear` in bands of rows, exactly equal, so that it need not be in memory as a whole.

    Yields:
        The rows, and (rows, W) or (rows, W, c) float32.
    """
    height, width = size_hw
    count = max(1, BAND_PIXELS // width)
    for start in range(0, height, count):
        rows = slice(start, min(height, start + count))
        if array.shape[:2] == (height, width):
            yield rows, array[rows].astype(np.float32)
        else:
            part = _interpolate(array, height, rows)
            yield rows, _interpolate(part.swapaxes(0, 1), width).swapaxes(0, 1)


def resize_nearest(array: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[Any]:
    """Take the input pixel under the centre of each output pixel, in exact integer arithmetic; dtype kept.

    `array` is (h, w) or (h, w, c).
    """
    rows, columns = (_nearest(n_in, n_out) for n_in, n_out in zip(array.shape[:2], size_hw, strict=True))
    return array[rows[:, None], columns[None, :]]


def _interpolate(array: NDArray[Any], n_out: int, rows: slice = slice(None)) -> NDArray[np.float32]:
    """Some rows of the array with its first axis interpolated to `n_out`."""
    n_in = array.shape[0]
    at = np.clip((np.arange(n_out)[rows] + 0.5) * (n_in / n_out) - 0.5, 0, n_in - 1)
    lower = np.minimum(at.astype(np.intp), max(n_in - 2, 0))
    upper = np.minimum(lower + 1, n_in - 1)
    weight = (at - lower).astype(np.float32).reshape(-1, *[1] * (array.ndim - 1))
    start = array[lower].astype(np.float32)
    return np.asarray(start + weight * (array[upper].astype(np.float32) - start), np.float32)


def _nearest(n_in: int, n_out: int) -> NDArray[np.intp]:
    return (2 * np.arange(n_out, dtype=np.intp) + 1) * n_in // (2 * n_out)
