"""Where a prediction is wrong, pixel by pixel, once its categories stand for classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comus_core.errors import DatasetError
from comus_core.evaluation.matching import NO_CLASS
from comus_core.types import IndexMask, IntArray

RIGHT, WRONG_CLASS, MISSED, INVENTED, IGNORED = range(5)


def predicted_classes(mask: IndexMask, class_of: IntArray, mask_ignore: int | None = None) -> IntArray:
    """The class that each pixel was predicted as, (H, W) int64; −1 = no class, or `mask_ignore`.

    `mask` is (H, W), 0 background, category + 1, perhaps `mask_ignore`, which is no category; `class_of` is (C + 1,) of
    a matching, row 0 = predicted background.
    """
    ignored = mask == mask_ignore if mask_ignore is not None else np.zeros(mask.shape, bool)
    return np.where(ignored, NO_CLASS, class_of[np.where(ignored, 0, mask)])


def error_map(
    mask: IndexMask,
    truth: IndexMask,
    class_of: IntArray,
    truth_ignore: int | None = None,
    mask_ignore: int | None = None,
) -> NDArray[np.uint8]:
    """What is wrong at each pixel.

    Args:
        mask: (H, W), as in `predicted_classes`.
        truth: (H, W) classes, 0 background, perhaps `truth_ignore`.
        class_of: (C + 1,) of the matching that the score used.
        truth_ignore: the ground truth's own ignore value.
        mask_ignore: the index that is no category, in training masks.

    Returns:
        (H, W): `RIGHT`; `WRONG_CLASS`, an object taken for another class or for none; `MISSED`, an object taken for
        background; `INVENTED`, background taken for an object; `IGNORED` by either.

    Raises:
        DatasetError: sizes that differ.
    """
    if mask.shape != truth.shape:
        raise DatasetError(f"a mask of {mask.shape} pixels but ground truth of {truth.shape}: give those of one image")
    predicted = predicted_classes(mask, class_of, mask_ignore)
    wrong = predicted != truth
    errors = np.full(mask.shape, RIGHT, np.uint8)
    errors[wrong & (truth > 0)] = WRONG_CLASS
    errors[wrong & (truth > 0) & (predicted == 0)] = MISSED
    errors[wrong & (truth == 0)] = INVENTED
    if truth_ignore is not None:
        errors[truth == truth_ignore] = IGNORED
    if mask_ignore is not None:
        errors[mask == mask_ignore] = IGNORED
    return errors
