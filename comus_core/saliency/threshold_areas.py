"""What every threshold would make of a soft map, counted once: so that a threshold can be tried without a pixel read.

For detectors with one map an image, whose foreground is one proposal; see `masks_from_soft_map`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comus_core.config import MaskResize
from comus_core.proposals.resizing import bilinear_bands, resize_nearest
from comus_core.saliency.soft_maps import dequantise
from comus_core.settings import require
from comus_core.types import IntArray

STEPS = 99
THRESHOLDS = tuple(step / (STEPS + 1) for step in range(1, STEPS + 1))  # 0.01 … 0.99


def areas_by_threshold(stored: NDArray[np.uint8], size_hw: tuple[int, int], resize: MaskResize) -> IntArray:
    """Pixels of the image above each of `THRESHOLDS`, (99,) int64: exactly those of `masks_from_soft_map`.

    Args:
        stored: (h, w) uint8, the soft map at the detector's own size.
        size_hw: the image's height and width.
        resize: see `SaliencySettings.resize`.
    """
    limits = np.array(THRESHOLDS, np.float32)
    exceeded = np.zeros(STEPS + 1, np.int64)  # pixels that exceed so many thresholds
    soft = dequantise(stored)
    if resize == "binary":
        below = np.searchsorted(limits, soft, side="left")
        exceeded += np.bincount(resize_nearest(below, size_hw).ravel(), minlength=STEPS + 1)
    else:
        for _, part in bilinear_bands(soft, size_hw):
            exceeded += np.bincount(np.searchsorted(limits, part, side="left").ravel(), minlength=STEPS + 1)
    return exceeded[::-1].cumsum()[::-1][1:]


def with_proposal(areas: IntArray, threshold: float, min_area: int) -> NDArray[np.bool_]:
    """Which images have a proposal at a threshold, (n,) bool.

    Args:
        areas: (n, 99), a row of `areas_by_threshold` an image.
        threshold: one of `THRESHOLDS`.
        min_area: a proposal has more pixels than this.

    Raises:
        SettingsError: another threshold.
    """
    step = round(threshold * (STEPS + 1))
    require(
        1 <= step <= STEPS and abs(threshold - THRESHOLDS[step - 1]) < 1e-9,
        f"threshold {threshold:g}: give a whole number of hundredths between 0.01 and 0.99",
    )
    return np.asarray(areas)[:, step - 1] > min_area
