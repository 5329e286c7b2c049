"""Which of a teacher's pixels a student learns from: those it is sure of, in each category alike (Zou et al. 2018).

One threshold for all categories keeps much of the easy ones and nothing of the hard ones, so that a round forgets
these; a threshold for each keeps the same share of all.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from comus_core.types import ByteArray, IndexMask, IntArray

LEVELS = 256  # of a stored confidence, in 255ths


def confidence_histogram(labelled: Iterable[tuple[IndexMask, ByteArray]], categories: int) -> IntArray:
    """How often each category was given with each confidence.

    `labelled` are masks (H, W) and confidences (H, W) uint8, one image at a time; indices above C, as ignore, are not
    counted.

    Returns:
        (C + 1, 256) int64 pixels, background first.
    """
    cells = (categories + 1) * LEVELS
    counts = np.zeros(cells, np.int64)
    for mask, confidence in labelled:
        counts += np.bincount(mask.ravel().astype(np.int64) * LEVELS + confidence.ravel(), minlength=cells)[:cells]
    return counts.reshape(categories + 1, LEVELS)


def balanced_thresholds(histogram: IntArray, share: float) -> ByteArray:
    """The highest threshold of each category that keeps at least a share of its pixels.

    CBST's k_c (Zou et al. 2018, algorithm 2), for the category that won; of pixels as sure as the last one kept all are
    kept. `histogram` is that of `confidence_histogram`; a `share` of 1 keeps all of a category's pixels.

    Returns:
        (C + 1,) uint8 in 255ths; pixels below are not kept.
    """
    at_least = np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1]  # pixels as sure as a level or surer
    least_pixels = share * histogram.sum(axis=1, keepdims=True) * (1 - 1e-12)  # 0.7 × 10 is a little more than 7
    enough = at_least >= least_pixels  # true for all levels up to the threshold
    highest: ByteArray = (enough.sum(axis=1) - 1).astype(np.uint8)
    return highest


def only_sure(mask: IndexMask, confidence: ByteArray, thresholds: ByteArray, ignore: int) -> IndexMask:
    """A mask whose pixels below the threshold of their category are ignored.

    `mask` is (H, W) of indices up to C, or ignore; `confidence` (H, W) and `thresholds` (C + 1,) are uint8, in 255ths.
    """
    of_index = np.zeros(ignore + 1, np.uint8)
    of_index[: len(thresholds)] = thresholds
    kept: IndexMask = np.where(confidence < of_index[mask], mask.dtype.type(ignore), mask)
    return kept
