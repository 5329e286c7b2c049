"""LOST's seed expansion (Siméoni et al., BMVC 2021; method 2.1)."""

from __future__ import annotations

import numpy as np

from comus_core.saliency.cuts.regions import cell_of, only_in, region_with, signed_soft
from comus_core.types import FloatArray, SoftMap


def seed_expansion(features: FloatArray, k: int) -> SoftMap:
    """The cells that correlate with a seed, the cell least like the others, and with those of its kind.

    With A = K Kᵀ of the raw features, the degree of a cell is the number of others with A > 0; the seed s has the
    lowest; S are those of the k cells of lowest degree with A_sq > 0. The object are the cells with Σ_{q in S} A_qp > 0
    that are connected with the seed. Cells of equal degree are taken in reading order.

    Args:
        features: (h, w, d), one vector a cell; not normalised.
        k: cells of low degree that may join the seed.

    Returns:
        (h, w) float32 in [0, 1]: the sum of correlations by `regions.signed_soft`; zero where all degrees are equal,
        and so no cell is a seed.
    """
    height, width = features.shape[:2]
    cells = features.reshape(height * width, -1).astype(np.float64)
    correlation = cells @ cells.T
    positive = correlation > 0
    degree = positive.sum(axis=1) - positive.diagonal()
    if degree.min() == degree.max():
        return np.zeros((height, width), np.float32)
    lowest = np.argsort(degree, kind="stable")[:k]
    seed = lowest[0]
    kind = lowest[positive[seed, lowest]]
    score = correlation[kind].sum(axis=0).reshape(height, width)
    return only_in(signed_soft(score), region_with(score > 0, cell_of(seed, score)))
