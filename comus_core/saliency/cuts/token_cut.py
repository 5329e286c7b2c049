"""Which side of a normalised cut is the object: TokenCut (Wang et al., CVPR 2022; method 2.3) and MaskCut's corners."""

from __future__ import annotations

import numpy as np

from comus_core.saliency.cuts.normalised_cut import affinity_matrix, has_cut, second_vector
from comus_core.saliency.cuts.regions import Grid, cell_of, only_in, region_with
from comus_core.types import BoolMask, FloatArray, SoftMap

CORNERS = 3  # of the image's four on one side of a cut: by MaskCut's rule that side is background


def token_cut(features: FloatArray, tau: float, *, corners: bool, region: bool) -> SoftMap:
    """TokenCut's object: sigmoid((v − mean) / deviation) of the second vector v of the normalised cut.

    0.5 is the mean of v, so whenever there is a cut, some cells are above 0.5: this map says where an object would be,
    never that there is none. It is zero everywhere only if there is no cut.

    Args:
        features: (h, w, d), one vector a cell.
        tau: cells are joined above this cosine.
        corners: a side that holds three corners of the image is background.
        region: only the connected region with the seed, the farthest cell of the object's side, is above 0.5.

    Returns:
        (h, w) float32 in [0, 1].
    """
    height, width = features.shape[:2]
    affinity = affinity_matrix(features, tau)
    if not has_cut(affinity):
        return np.zeros((height, width), np.float32)
    v = orient(second_vector(affinity).reshape(height, width), corners)
    if v.std() == 0:
        return np.zeros((height, width), np.float32)
    soft = side_soft(v)
    return only_in(soft, region_of_seed(v)) if region else soft


def orient(v: Grid, corners: bool = True) -> Grid:
    """`v`, (h, w), with the sign that puts the object above the mean.

    The object is on the side of the cell farthest from zero; with `corners`, unless that side holds three corners of
    the image or more (MaskCut, Wang et al., CVPR 2023).
    """
    seed = v.flat[np.argmax(np.abs(v))]
    if seed <= v.mean():
        v = -v
    held = (v > v.mean())[[0, 0, -1, -1], [0, -1, 0, -1]]
    return -v if corners and held.sum() >= CORNERS else v


def side_soft(v: Grid) -> SoftMap:
    """(h, w) float32: sigmoid((v − mean) / deviation); v is not constant."""
    return np.asarray(1 / (1 + np.exp(-(v - v.mean()) / v.std())), np.float32)


def region_of_seed(v: Grid) -> BoolMask:
    """The connected cells above the mean of an oriented v that hold its largest; (h, w)."""
    return region_with(v > v.mean(), cell_of(np.argmax(v), v))
