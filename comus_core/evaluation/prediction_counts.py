"""A predicted mask against ground truth, counted."""

from __future__ import annotations

import numpy as np

from comus_core.errors import DatasetError
from comus_core.types import ImageId, IndexMask, IntArray

BAND_PIXELS = 2**22  # counted at once


def count_prediction(
    image_id: ImageId, mask: IndexMask, truth: IndexMask, ignore: int | None, categories: int, classes: int
) -> IntArray:
    """(C + 1, classes) int64 pixels of one image; what the ground truth ignores is in none.

    Raises:
        DatasetError: mask and ground truth differ in size.
    """
    if mask.shape != truth.shape:
        raise DatasetError(f"image {image_id}: predicted {mask.shape} pixels but the ground truth has {truth.shape}")
    total = np.zeros((categories + 1) * classes, np.int64)
    rows = max(1, BAND_PIXELS // max(1, mask.shape[1]))  # as 64-bit numbers a large image fills memory
    for top in range(0, mask.shape[0], rows):
        seen, true = mask[top : top + rows], truth[top : top + rows]
        valid = true != ignore if ignore is not None else np.ones(true.shape, bool)
        total += np.bincount(seen[valid].astype(np.int64) * classes + true[valid], minlength=len(total))
    return total.reshape(categories + 1, classes)
