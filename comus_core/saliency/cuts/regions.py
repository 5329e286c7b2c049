"""Connected regions of a grid, and scores as soft maps whose 0.5 is a method's own threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from comus_core.types import BoolMask, FloatArray, SoftMap

Grid = NDArray[np.float64]  # (h, w), one value a cell


def region_with(mask: BoolMask, cell: tuple[int, ...]) -> BoolMask:
    """The 4-connected region of a mask that holds a cell; none where the cell is not in the mask. All (h, w)."""
    if not mask[cell]:
        return np.zeros_like(mask)
    regions = label(mask)[0]
    return np.asarray(regions == regions[cell])


def largest_region(mask: BoolMask) -> BoolMask:
    """The 4-connected region with the most cells, of several the first in reading order; (h, w)."""
    regions, count = label(mask)
    if count == 0:
        return np.zeros_like(mask)
    return np.asarray(regions == 1 + np.argmax(np.bincount(regions.ravel())[1:]))


def cell_of(position: int | np.intp, grid: FloatArray) -> tuple[int, int]:
    """Row and column of a position in reading order."""
    row, column = divmod(int(position), grid.shape[1])
    return row, column


def signed_soft(score: FloatArray) -> SoftMap:
    """A score whose sign is the decision, as sigmoid(score / root mean square); zero everywhere if the score is.

    Returns:
        (h, w) float32: above 0.5 exactly where the score is positive, after rounding to bytes too where it is not tiny.
    """
    spread = np.sqrt(np.mean(np.square(score, dtype=np.float64)))
    if spread == 0:
        return np.zeros(score.shape, np.float32)
    return np.asarray(1 / (1 + np.exp(-score / spread)), np.float32)


def share_soft(score: FloatArray, cut: float, low: float, high: float) -> SoftMap:
    """A score between `low` and `high` as a soft map, linear on either side of `cut`, which becomes 0.5."""
    below, above = (score - low) / (cut - low), (score - cut) / (high - cut)
    return np.asarray(np.clip(np.where(score < cut, below / 2, 0.5 + above / 2), 0, 1), np.float32)


def only_in(soft: SoftMap, region: BoolMask) -> SoftMap:
    """A soft map that is above 0.5 in a region alone: elsewhere the value is mirrored at 0.5 where it is above."""
    return np.where(region, soft, np.minimum(soft, 1 - soft)).astype(np.float32)
