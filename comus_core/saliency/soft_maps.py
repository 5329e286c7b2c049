"""Stored soft maps: one byte per pixel, at the detector's size, as lossless PNG."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comus_core.errors import WorkspaceError
from comus_core.types import SoftMap


def quantise(soft: SoftMap) -> NDArray[np.uint8]:
    """A soft map as bytes: 255 p rounded to the nearest integer, halves down.

    Halves go down so that p > 0.5 holds before exactly when it holds after, at p = 0.5 too.

    Args:
        soft: (h, w) in [0, 1], or several of a size, (n, h, w).

    Returns:
        The same shape, uint8.

    Raises:
        ValueError: a value is not finite or outside [0, 1]: a fault of the detector, which clipping would hide.
    """
    if not (soft.size or soft.ndim == 3) or not ((soft >= 0) & (soft <= 1)).all():
        raise ValueError(f"soft map of shape {soft.shape}: values must be finite and between 0 and 1")
    return np.ceil(soft.astype(np.float64) * 255 - 0.5).astype(np.uint8)


def dequantise(stored: NDArray[np.uint8]) -> SoftMap:
    """The soft map of stored bytes, (h, w) float32 in [0, 1]."""
    return stored.astype(np.float32) / np.float32(255)


def to_png(stored: NDArray[np.uint8]) -> bytes:
    """(h, w) uint8 as a grey PNG file."""
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(stored)).save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()


def from_png(png: bytes) -> NDArray[np.uint8]:
    """The bytes stored by `to_png`, (h, w) uint8.

    Raises:
        WorkspaceError: the bytes are not a grey 8-bit image.
    """
    try:
        with Image.open(BytesIO(png)) as image:
            stored = np.asarray(image)
    except OSError as error:
        raise WorkspaceError(f"a stored soft map is damaged ({error}): delete its artifact and run again") from None
    if stored.ndim != 2 or stored.dtype != np.uint8:
        raise WorkspaceError(
            f"a stored soft map has shape {stored.shape} and type {stored.dtype}, not 8-bit grey: delete its artifact"
        )
    return stored
