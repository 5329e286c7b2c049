"""Distances of rows from centres. Imports only NumPy, so that pages can use it."""

from __future__ import annotations

import numpy as np

from comus_core.types import FloatArray


def cosine_distance(rows: FloatArray, centres: FloatArray) -> FloatArray:
    """1 - cosine of each row and the centre beside it, both (n, k): (n,) float32 from 0 to 2.

    Two zero vectors are at distance 0, a zero vector and another at 1.
    """
    a, b = np.asarray(rows, np.float64), np.asarray(centres, np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, 1)
    cosine[(a == b).all(axis=1)] = 1
    distance: FloatArray = np.clip(1 - cosine, 0, 2).astype(np.float32)
    return distance
