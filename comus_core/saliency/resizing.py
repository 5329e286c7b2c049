"""Two resizing rules, stated once: output pixel i looks at the input coordinate (i + 1/2) · in / out − 1/2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def resize_bilinear(array: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Interpolate linearly between the two nearest input pixels a side, clamped at the border, no antialiasing.

    Args:
        array: (h, w) or (h, w, c), any real dtype.
        size_hw: the wanted height and width.

    Returns:
        (H, W) or (H, W, c) float32; a constant stays exactly that constant.
    """
    if array.shape[:2] == tuple(size_hw):
        return array.astype(np.float32)
    rows = _interpolate(array.astype(np.float32), size_hw[0])
    return _interpolate(rows.swapaxes(0, 1), size_hw[1]).swapaxes(0, 1)


def resize_nearest(array: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[Any]:
    """Take the input pixel under the centre of each output pixel, in exact integer arithmetic; dtype kept.

    Args:
        array: (h, w) or (h, w, c).
        size_hw: the wanted height and width.
    """
    rows, columns = (_nearest(n_in, n_out) for n_in, n_out in zip(array.shape[:2], size_hw, strict=True))
    return array[rows[:, None], columns[None, :]]


def _interpolate(array: NDArray[np.float32], n_out: int) -> NDArray[np.float32]:
    n_in = array.shape[0]
    at = np.clip((np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5, 0, n_in - 1)
    lower = np.minimum(at.astype(np.intp), max(n_in - 2, 0))
    upper = np.minimum(lower + 1, n_in - 1)
    weight = (at - lower).astype(np.float32).reshape(-1, *[1] * (array.ndim - 1))
    start = array[lower]
    return np.asarray(start + weight * (array[upper] - start), np.float32)


def _nearest(n_in: int, n_out: int) -> NDArray[np.intp]:
    return (2 * np.arange(n_out, dtype=np.intp) + 1) * n_in // (2 * n_out)
