"""Several objects by repeated normalised cuts: MaskCut (Wang et al., CVPR 2023; method 2.3)."""

from __future__ import annotations

import numpy as np

from comus_core.saliency.cuts.normalised_cut import affinity_matrix, has_cut, second_vector
from comus_core.saliency.cuts.regions import only_in
from comus_core.saliency.cuts.token_cut import orient, region_of_seed, side_soft
from comus_core.types import BoolMask, FloatArray, SoftMaps


def mask_cut(features: FloatArray, tau: float, *, rounds: int, overlap: float, least: float) -> SoftMaps:
    """Up to `rounds` objects: after each cut the features of the cells found are set to zero.

    From the second round on a region is dropped, and the search ends (the next cut would be the same), where its IoU
    with the one before exceeds `overlap` or its cells are at most the share `least` of all. Cells found earlier are not
    found again. The dense CRF that follows in MaskCut's code is not part of this.

    Args:
        features: (h, w, d), one vector a cell.
        tau: cells are joined above this cosine.
        rounds: the most objects.
        overlap: IoU.
        least: share of cells.

    Returns:
        (n, h, w) float32 in [0, 1], n ≤ rounds; a cell is above 0.5 in one map at most.
    """
    height, width = features.shape[:2]
    left = features.astype(np.float64)
    taken = np.zeros((height, width), bool)
    before: BoolMask | None = None
    maps = []
    for _ in range(rounds):
        affinity = affinity_matrix(left, tau)
        if not has_cut(affinity):
            break
        v = orient(second_vector(affinity).reshape(height, width))
        region = region_of_seed(v)
        if before is not None and (_iou(region, before) > overlap or region.mean() <= least):
            break
        before, region = region, region & ~taken
        if not region.any():
            break
        maps.append(only_in(side_soft(v), region))
        taken |= region
        left[region] = 0
    return np.stack(maps) if maps else np.zeros((0, height, width), np.float32)


def _iou(one: BoolMask, other: BoolMask) -> float:
    return float((one & other).sum() / (one | other).sum())
