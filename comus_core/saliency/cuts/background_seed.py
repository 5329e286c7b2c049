"""FOUND without its trained head: what is unlike the least attended cell (Siméoni et al., CVPR 2023; method 2.5)."""

from __future__ import annotations

import numpy as np

from comus_core.saliency.cuts.normalised_cut import unit_vectors
from comus_core.saliency.cuts.regions import share_soft
from comus_core.types import FloatArray, SoftMap

TINY = 1e-10


def background_seed(features: FloatArray, attention: FloatArray, tau: float, *, by_head: bool) -> SoftMap:
    """All cells whose cosine with the background's seed is at most `tau`.

    Q_h is the share of cells in which head h attends more than the mean over heads and cells; its weight β_h =
    log(Σ Q / Q_h), so that heads that attend to little count more. The seed is the cell with the least Σ_h β_h a_h.
    Cells are described by the features of the heads, side by side, each times its β.

    Args:
        features: (h, w, d), one vector a cell.
        attention: (heads, h, w). Of a single head all weights are 1 (the formula's would be 0).
        tau: above this cosine a cell is background; 0.3 in the paper.
        by_head: whether d are the keys of the heads, side by side; else cells are described by the features as they
            are.

    Returns:
        (h, w) float32 in [0, 1], 0.5 at the cosine `tau`; nothing is above 0.5 where all cells are alike.
    """
    heads, height, width = attention.shape
    weights = head_weights(attention)
    seed = int(np.argmin(np.tensordot(weights, attention, 1)))
    weighted = features.reshape(height, width, heads, -1) * weights[:, None] if by_head else features
    vectors = unit_vectors(weighted.reshape(height, width, -1))
    cosine = (vectors @ vectors[seed]).reshape(height, width)
    return share_soft(-cosine, -tau, -1.0, 1.0)


def unlikeness(features: FloatArray) -> FloatArray:
    """In place of attention where there is none: 1 − the mean cosine of each cell with all cells, (1, h, w).

    The seed of the background then is the cell most like the others, LOST's rule (method 2.1) turned around. Mean IoU
    of EfficientNet-Lite0 on 21 images of ECSSD at the cosine 0.2: 36; with the energy of the cells: 32.
    """
    vectors = unit_vectors(features)
    return np.asarray(1 - (vectors @ vectors.mean(axis=0)).reshape(1, *features.shape[:2]))


def head_weights(attention: FloatArray) -> FloatArray:
    """(heads,) β of (heads, h, w) attention; of one head it is 1."""
    if len(attention) == 1:
        return np.ones(1)
    share = (attention > attention.mean()).mean(axis=(1, 2)) + TINY
    return np.asarray(np.log(share.sum() / share))
