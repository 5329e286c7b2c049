"""Apply the EXIF orientation of an image to its pixels, or to a mask of its stored pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Pixels = TypeVar("Pixels", bound=NDArray[Any])

SIDEWAYS = (5, 6, 7, 8)  # orientations that swap height and width

# Orientation (TIFF 6.0, tag 274) -> the turn that makes stored pixels upright; 1 is upright.
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
    8: np.rot90,
}


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Stored pixels, (H, W) or (H, W, C), made upright; an invalid orientation changes nothing."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))  # type: ignore[return-value]
