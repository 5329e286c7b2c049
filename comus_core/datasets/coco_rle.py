"""COCO's run lengths, a list or packed text, checked before pycocotools decodes them: its C code does not check."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.errors import SettingsError
from comus_core.types import BoolMask, IntArray

MAX_GROUPS = 7  # of 5 bits a number: no image has a run of more than 35 bits


def decode(counts: Any, size_hw: tuple[int, int]) -> BoolMask:
    """The mask, (H, W) bool, of untrusted run lengths.

    `counts` are those of an RLE: a list of numbers, or COCO's packed text or bytes.

    Raises:
        SettingsError: they are not run lengths, or have more or fewer pixels than the mask.
    """
    lengths, (height, width) = run_lengths(counts), size_hw
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise SettingsError(f"its run lengths have {lengths.sum()} pixels, not {height} x {width} = {height * width}")
    rle = {"size": [height, width], "counts": counts}
    if isinstance(counts, list):
        rle = coco_mask.frPyObjects({**rle, "counts": lengths.tolist()}, height, width)
    return np.asarray(coco_mask.decode(rle), bool)


def run_lengths(counts: Any) -> IntArray:
    """The lengths, alternately outside and inside the mask, column by column.

    Returns:
        (r,) int64, unchecked: a length may be negative, and the sum may differ from the size of an image.

    Raises:
        SettingsError: they are neither a list of numbers nor COCO's packed text or bytes.
    """
    if isinstance(counts, str | bytes):
        return _unpacked(counts.encode() if isinstance(counts, str) else counts)
    if not isinstance(counts, list):
        raise SettingsError(f"its run lengths cannot be read ({counts!r:.40} is neither a list nor a text)")
    try:
        lengths = np.array(counts, np.int64)
    except (TypeError, OverflowError, ValueError) as error:
        raise SettingsError(f"its run lengths cannot be read ({error})") from None
    if lengths.ndim != 1:
        raise SettingsError("its run lengths cannot be read (a list of lists)")
    return lengths


def _unpacked(text: bytes) -> IntArray:
    """Of packed bytes: each number is written in groups of 5 bits, lowest first.

    0x20 marks that more follow, and 0x10 of the last is the sign; from the fourth number on it is the difference from
    the last but one.
    """
    letters = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((letters & 0x20) == 0)
    if ((letters < 0) | (letters > 63)).any() or not len(ends) or ends[-1] != len(letters) - 1:
        raise SettingsError("its run lengths cannot be read (the text is damaged: not a run-length code)")
    starts = np.concatenate([[0], ends[:-1] + 1])
    groups = ends - starts + 1
    if groups.max() > MAX_GROUPS:
        raise SettingsError("its run lengths cannot be read (the text is damaged: a run longer than any image)")
    place = np.arange(len(letters)) - np.repeat(starts, groups)
    values = np.add.reduceat((letters & 0x1F) << (5 * place), starts)
    values -= np.where((letters[ends] & 0x10) != 0, np.int64(1) << (5 * groups), 0)
    values[1::2], values[2::2] = np.cumsum(values[1::2]), np.cumsum(values[2::2])
    lengths: IntArray = values
    return lengths
