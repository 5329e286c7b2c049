"""Label Studio's brush strokes: run lengths of the bytes of an RGBA image, packed in bits (thi.ng/rle-pack)."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from comus_core.types import BoolMask


def decode(values: Any, size_hw: tuple[int, int]) -> BoolMask:
    """The mask, (H, W) bool: all pixels that are not transparent.

    `values` are bytes as a list of numbers.

    Raises:
        ValueError: they are no such run lengths, or of another size.
    """
    height, width = size_hw
    try:
        packed = bytes(values) if isinstance(values, list) else b""
    except (TypeError, ValueError):
        packed = b""
    if not packed:
        raise ValueError("its brush is not a list of bytes")
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and height * width > limit:
        raise ValueError(f"its brush is of {height} x {width} pixels, more than the largest readable image")
    try:
        flat = _Bits(packed).unpacked(4 * height * width)
    except IndexError:
        raise ValueError("its brush is damaged: the run lengths end too early") from None
    mask: BoolMask = flat.reshape(height, width, 4)[:, :, 3]
    return mask


class _Bits:
    def __init__(self, packed: bytes) -> None:
        self._packed, self._at = packed, 0

    def _next(self, count: int) -> tuple[int, int, int]:
        """First byte, byte behind the last, and first bit of the next bits, which are then read."""
        start, self._at = self._at, self._at + count
        if self._at > 8 * len(self._packed):
            raise IndexError
        return start // 8, -(-self._at // 8), start

    def _read(self, count: int) -> int:
        first, last, _ = self._next(count)
        return int.from_bytes(self._packed[first:last], "big") >> (8 * last - self._at) & ((1 << count) - 1)

    def unpacked(self, wanted: int) -> BoolMask:
        """Of `wanted` values, (wanted,) bool, which are not 0."""
        total = self._read(32)
        if total != wanted:
            raise ValueError(f"its brush has {total:,} values, its image {wanted:,} (four a pixel)")
        word = self._read(5) + 1
        lengths = [self._read(4) + 1 for _ in range(4)]
        out, place = np.zeros(total, bool), 0
        while place < total:
            repeats = self._read(1)
            end = place + 1 + self._read(lengths[self._read(2)])
            if end > total:
                raise ValueError("its brush is damaged: a run is longer than the image")
            out[place:end] = self._read(word) > 0 if repeats else self._words(end - place, word)
            place = end
        return out

    def _words(self, count: int, width: int) -> BoolMask:
        """At most 65,536 values, the longest run."""
        first, last, start = self._next(count * width)
        bits = np.unpackbits(np.frombuffer(self._packed, np.uint8, last - first, first))[start - 8 * first :]
        return np.asarray(bits[: count * width].reshape(count, width).any(axis=1), bool)
