"""COCO's compressed run lengths, read without pycocotools: its C code trusts that they fill the image."""

from __future__ import annotations

import numpy as np

from comus_core.errors import SettingsError
from comus_core.types import IntArray


def run_lengths(packed: bytes) -> IntArray:
    """The lengths that the bytes stand for, alternately outside and inside the mask, column by column.

    Each number is written in groups of 5 bits, lowest first, 0x20 marking that more follow and 0x10 of the last the
    sign; from the fourth on it is the difference from the last but one.

    Args:
        packed: the `counts` of a compressed RLE.

    Returns:
        (r,) int64, as written; a length may be negative, and they may fill more or less than an image.

    Raises:
        SettingsError: a byte that is no part of such a code, or an end within a number.
    """
    letters = np.frombuffer(packed, np.uint8).astype(np.int64) - 48
    if not len(letters):
        return np.zeros(0, np.int64)
    ends = np.flatnonzero((letters & 0x20) == 0)
    if ((letters < 0) | (letters > 63)).any() or not len(ends) or ends[-1] != len(letters) - 1:
        raise SettingsError("a mask that is no run-length code")
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() > 6:  # 35 bits: no image has so many pixels
        raise SettingsError("a mask with a run longer than any image")
    place = np.arange(len(letters)) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((letters & 0x1F) << (5 * place), starts)
    negative = (letters[ends] & 0x10) != 0
    values -= np.where(negative, np.int64(1) << (5 * (ends - starts + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
