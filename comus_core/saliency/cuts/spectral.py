"""Deep Spectral Methods: the first eigenvector of the Laplacian of positive cosines (Melas-Kyriazi et al. 2022)."""

from __future__ import annotations

import numpy as np

from comus_core.saliency.cuts.normalised_cut import has_cut, second_vector, unit_vectors
from comus_core.saliency.cuts.regions import Grid, signed_soft
from comus_core.types import FloatArray, SoftMap


def spectral_map(features: FloatArray, floor: float) -> SoftMap:
    """The sign of the vector x of (D − W) x = λ D x after the constant one, W = max(0, K Kᵀ) / max (method 2.4).

    The object is where x > 0, after x was negated if it is positive in more than half of the cells. No colour term, as
    in the published command line.

    Args:
        features: (h, w, d), one vector a cell; W is of their cosines.
        floor: cosines up to this one count as 0; 0 in the paper.

    Returns:
        (h, w) float32 in [0, 1]: x by `regions.signed_soft`; zero where there is no cut.
    """
    height, width = features.shape[:2]
    vectors = unit_vectors(features)
    affinity = vectors @ vectors.T
    affinity[affinity <= floor] = 0
    if affinity.max() <= 0 or not has_cut(affinity):
        return np.zeros((height, width), np.float32)
    return signed_soft(smaller_side(second_vector(affinity / affinity.max()).reshape(height, width)))


def smaller_side(x: Grid) -> Grid:
    """x, negated if it is positive in more than half of the cells, but not in all."""
    return -x if 0.5 < (x > 0).mean() < 1 else x
