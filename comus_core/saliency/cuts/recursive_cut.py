"""Several objects by recursive two-way normalised cuts (Shi and Malik, PAMI 2000, section 3; method 2.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from comus_core.saliency.cuts.normalised_cut import Vector, affinity_matrix, has_cut, second_vector
from comus_core.types import BoolMask, FloatArray, IntArray, SoftMap, SoftMaps

SURE = 0.51  # the least value of an object's own cell: above 0.5 as a byte too


@dataclass(frozen=True, eq=False)
class Cut:
    """The best two-way cut of some cells.

    Attributes:
        value: cut / assoc of one side + cut / assoc of the other, in [0, 2].
        one, other: the cells of each side, ascending.
    """

    value: float
    one: IntArray
    other: IntArray


def recursive_cut(
    features: FloatArray, tau: float, *, ncut: float, most: int, least: float, ground_corners: int
) -> SoftMaps:
    """The objects among the parts into which the cells are cut, again and again in two.

    Of all parts that can be cut, the one with the cheapest cut is, as long as its value is at most `ncut` and there are
    fewer than `most` parts. The part with the most cells on the image's border is background, and any other that holds
    `ground_corners` of the four corners, in the manner of MaskCut. Each connected region of the rest is an object. Shi
    and Malik's test of a cut's stability is not part of this; they give neighbouring pixels larger weights, here only
    what cells look like counts.

    Args:
        features: (h, w, d), one vector a cell.
        tau: cells are joined above this cosine.
        ncut: the largest value of a cut that is made.
        most: the most parts.
        least: share of all cells that either side of a cut, and each object, has at least.
        ground_corners: see above.

    Returns:
        (n, h, w) float32 in [0, 1], objects in the order of their parts and then of reading: the share of a cell's
        affinity that is to the object's part, mirrored at 0.5 where the cut decides otherwise. A cell is above 0.5 in
        one map at most. None where nothing is cut.
    """
    shape = (features.shape[0], features.shape[1])
    affinity = affinity_matrix(features, tau)
    parts = parts_of(affinity, ncut, most, math.ceil(least * len(affinity)))
    maps: list[SoftMap] = []
    for number in foreground_parts(parts, shape, ground_corners):
        inside = np.zeros(len(affinity), bool)
        inside[parts[number]] = True
        share = (affinity[:, inside].sum(axis=1) / affinity.sum(axis=1)).reshape(shape)
        regions, count = ndimage.label(inside.reshape(shape))
        areas = np.bincount(regions.ravel(), minlength=count + 1)
        maps += [_soft(share, regions == k) for k in range(1, count + 1) if areas[k] >= least * len(affinity)]
    return np.stack(maps) if maps else np.zeros((0, *shape), np.float32)


def parts_of(affinity: Vector, ncut: float, most: int, smallest: int) -> list[IntArray]:
    """The cells of each part, ascending, parts by their first cell; see `recursive_cut`.

    Args:
        affinity: (n, n).
        ncut: the largest value of a cut that is made.
        most: the most parts.
        smallest: cells that either side of a cut has at least.
    """
    done: list[IntArray] = []
    left = [(np.arange(len(affinity)), best_cut(affinity, np.arange(len(affinity)), smallest))]
    while left:
        left.sort(key=lambda pair: (math.inf if pair[1] is None else pair[1].value, pair[0][0]))
        part, cut = left.pop(0)
        if cut is None or cut.value > ncut or len(done) + len(left) + 1 >= most:
            done.append(part)
        else:
            left += [(side, best_cut(affinity, side, smallest)) for side in (cut.one, cut.other)]
    return sorted(done, key=lambda part: int(part[0]))


def best_cut(affinity: Vector, part: IntArray, smallest: int) -> Cut | None:
    """The cheapest cut of some cells by the second vector of their own affinity, over all places to split it.

    Shi and Malik try evenly spaced places; here it is all of them. None where there is nothing to cut, or where no
    place leaves `smallest` cells on both sides.
    """
    smallest = max(1, smallest)
    if len(part) < 2 * smallest:
        return None
    own = affinity[np.ix_(part, part)]
    if not has_cut(own):
        return None
    v = second_vector(own)
    order = np.argsort(v, kind="stable")
    values = split_values(own[np.ix_(order, order)])
    ahead, behind = v[order[:-1]], v[order[1:]]
    values[behind - ahead <= 1e-9 * np.abs(v).max()] = np.inf  # equal cells stay together
    values[: smallest - 1] = values[len(part) - smallest :] = np.inf
    if not np.isfinite(values).any():
        return None
    at = int(values.argmin())
    return Cut(float(values[at]), np.sort(part[order[: at + 1]]), np.sort(part[order[at + 1 :]]))


def split_values(affinity: Vector) -> Vector:
    """(n − 1,) the value of the normalised cut between the first k + 1 of n cells and the rest, k = 0 … n − 2."""
    degree = affinity.sum(axis=1)
    within = np.cumsum(2 * np.tril(affinity, -1).sum(axis=1) + affinity.diagonal())[:-1]  # of the first cells
    assoc = np.cumsum(degree)[:-1]
    cut = assoc - within
    return np.asarray(cut / assoc + cut / (degree.sum() - assoc))


def foreground_parts(parts: Sequence[IntArray], shape: tuple[int, int], corners: int) -> list[int]:
    """Which parts of a (h, w) grid are no background.

    Background is the part with the most cells on the border, the first of equals, and any with so many of the corners.
    """
    cells = np.arange(shape[0] * shape[1]).reshape(shape)
    border = np.concatenate([cells[0], cells[-1], cells[1:-1, 0], cells[1:-1, -1]])
    most = int(np.argmax([np.isin(border, part).sum() for part in parts]))
    held = [int(np.isin(cells[[0, 0, -1, -1], [0, -1, 0, -1]], part).sum()) for part in parts]
    return [number for number in range(len(parts)) if number != most and held[number] < corners]


def _soft(share: FloatArray, region: BoolMask) -> SoftMap:
    """A share as a soft map that is above 0.5 in a region alone."""
    certain = np.maximum(share, 1 - share)
    return np.asarray(np.where(region, np.maximum(certain, SURE), 1 - certain), np.float32)
