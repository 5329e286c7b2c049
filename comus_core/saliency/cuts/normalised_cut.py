"""The normalised cut of one image's dense features (Shi and Malik, PAMI 2000; method 2.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from comus_core.types import FloatArray

WEAK_EDGE = 1e-5  # TokenCut's, between dissimilar cells, so that the graph is connected
TOO_SMALL = 20  # cells, for Lanczos

Vector = NDArray[np.float64]


def unit_vectors(features: FloatArray) -> Vector:
    """(h, w, d) or (n, d) as (n, d) of unit length; zeros stay zeros."""
    vectors = features.reshape(-1, features.shape[-1]).astype(np.float64)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def affinity_matrix(features: FloatArray, tau: float) -> Vector:
    """(n, n) of 1 where the cosine of two cells exceeds `tau`, `WEAK_EDGE` elsewhere; features are (n, d)."""
    vectors = unit_vectors(features)
    return np.where(vectors @ vectors.T > tau, 1.0, WEAK_EDGE)


def second_vector(affinity: Vector) -> Vector:
    """The second smallest solution v of (D − W) v = λ D v, by way of D^−½ W D^−½, whose Lanczos iteration is fast.

    Args:
        affinity: W, (n, n) symmetric, not negative, n ≥ 2.

    Returns:
        (n,) of unit norm before the division by √degree; the sign is arbitrary but always the same.
    """
    scale = 1 / np.sqrt(np.maximum(affinity.sum(axis=1), 1e-12))
    normalised = affinity * scale[:, None] * scale[None, :]
    if len(affinity) < TOO_SMALL:
        _, vectors = np.linalg.eigh(normalised)
        return np.asarray(vectors[:, -2] * scale)
    start = np.random.default_rng(0).standard_normal(len(affinity))  # fixed: the same image gives the same map
    values, vectors = eigsh(normalised, k=2, which="LA", v0=start)
    return np.asarray(vectors[:, np.argmin(values)] * scale)


def has_cut(affinity: Vector) -> bool:
    """Whether there is something to cut: not if all cells are alike, nor where no two are."""
    apart = affinity[~np.eye(len(affinity), dtype=bool)]
    return bool(apart.size and apart.min() < apart.max())
