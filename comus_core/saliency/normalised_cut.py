"""The normalised cut of one image's dense features (Shi and Malik 2000; TokenCut, Wang et al. 2022; method 2.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from comus_core.types import FloatArray, SoftMap

WEAK_EDGE = 1e-5  # between dissimilar cells, so that the graph is connected

Vector = NDArray[np.float64]


def cut_map(features: FloatArray, tau: float) -> SoftMap:
    """How far each cell is on the foreground side of the cut: sigmoid((v − mean) / deviation) of the vector v.

    0.5 is the mean of v, so whenever there is a cut, some cells are above 0.5: this map says where an object would be,
    never that there is none. It is zero everywhere only if all cells are alike and there is no cut.

    Args:
        features: (h, w, d), one vector per cell.
        tau: cosine above which two cells are joined.

    Returns:
        (h, w) float32 in [0, 1].
    """
    height, width = features.shape[:2]
    affinity = affinity_matrix(features.reshape(height * width, -1), tau)
    if affinity.min() == affinity.max():
        return np.zeros((height, width), np.float32)
    v = orient(second_vector(affinity).reshape(height, width))
    deviation = v.std()
    if deviation == 0:
        return np.zeros((height, width), np.float32)
    return np.asarray(1 / (1 + np.exp(-(v - v.mean()) / deviation)), np.float32)


def affinity_matrix(features: FloatArray, tau: float) -> Vector:
    """(n, n) of 1 where the cosine of two cells exceeds `tau`, `WEAK_EDGE` elsewhere; features are (n, d)."""
    vectors = features.astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.where(vectors @ vectors.T > tau, 1.0, WEAK_EDGE)


def second_vector(affinity: Vector) -> Vector:
    """The second smallest solution v of (D − W) v = λ D v, by way of D^−½ W D^−½, whose Lanczos iteration is fast.

    Args:
        affinity: W, (n, n) symmetric with a positive diagonal, n ≥ 2.

    Returns:
        (n,) of unit norm before the division by √degree; the sign is arbitrary but always the same.
    """
    scale = 1 / np.sqrt(affinity.sum(axis=1))
    normalised = affinity * scale[:, None] * scale[None, :]
    if len(affinity) < 20:  # too small for Lanczos
        _, vectors = np.linalg.eigh(normalised)
        return np.asarray(vectors[:, -2] * scale)
    start = np.random.default_rng(0).standard_normal(len(affinity))  # fixed: the same image gives the same map
    values, vectors = eigsh(normalised, k=2, which="LA", v0=start)
    return np.asarray(vectors[:, np.argmin(values)] * scale)


def orient(v: Vector) -> Vector:
    """`v`, (h, w), with the sign that puts the foreground above the mean.

    The foreground is the side of the cell farthest from zero, unless that side holds three corners of the image or
    more (MaskCut's rule, Wang et al. 2023).
    """
    if v.flat[np.argmax(np.abs(v))] < 0:
        v = -v
    corners = (v > v.mean())[[0, 0, -1, -1], [0, -1, 0, -1]]
    return -v if corners.sum() >= 3 else v
