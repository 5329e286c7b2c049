"""Rounds of mask → mean features → mask, after any detector: in the manner of Selfment (You et al. 2026).

Selfment calls it iterative patch optimisation. Its exact rule could not be read; here it is k-means on the sphere
(Dhillon and Modha 2001) that starts from the masks, one mean for each and one for all that is in none.
"""

from __future__ import annotations

import numpy as np

from comus_core.saliency.cuts.normalised_cut import unit_vectors
from comus_core.saliency.cuts.regions import signed_soft
from comus_core.types import FloatArray, SoftMaps


def refined_by_means(maps: SoftMaps, features: FloatArray, rounds: int) -> SoftMaps:
    """The objects after `rounds` in which every cell goes to the mean, of an object or the background, most like it.

    Args:
        maps: (n, h, w), in which a cell is above 0.5 at most once.
        features: (h, w, d), one vector a cell.
        rounds: 0 changes nothing; it ends where nothing changes any more, or one of the n + 1 has no cell left: the
            round before then counts.

    Returns:
        (n, h, w) float32 in [0, 1]: by how much the cosine with the object's mean exceeds that with every other mean,
        by `regions.signed_soft`.
    """
    count, height, width = maps.shape
    if count == 0:
        return maps
    vectors = unit_vectors(features)
    inside = maps.reshape(count, -1) > 0.5
    label = np.where(inside.any(axis=0), 1 + inside.argmax(axis=0), 0)  # 0 is the background
    for _ in range(rounds):
        sums = np.stack([vectors[label == k].sum(axis=0) for k in range(count + 1)])
        cosine = vectors @ unit_vectors(sums).T  # (cells, n + 1)
        now = cosine.argmax(axis=1)
        if len(np.unique(now)) <= count:
            break
        maps = np.stack([_margin(cosine, k).reshape(height, width) for k in range(1, count + 1)])
        if np.array_equal(now, label):
            break
        label = now
    return maps


def _margin(cosine: FloatArray, own: int) -> FloatArray:
    """(cells,) soft: how much more alike a cell is to its own mean than to the best of the others."""
    return signed_soft(cosine[:, own] - np.delete(cosine, own, axis=1).max(axis=1))
