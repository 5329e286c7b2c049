"""The spectral embedding of a neighbour graph (paper section 3.2; protocol 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from comus_core.clustering.graph import Graph
from comus_core.config import require
from comus_core.errors import ComusError
from comus_core.types import FloatArray, IntArray

DENSE_POINTS = 1000  # up to here LAPACK is as fast as Lanczos
TOLERANCE = 1e-8  # of Lanczos, relative to the eigenvalue; residuals come out near 1e-12
LOOK_TOLERANCE = 1e-6  # of the look for a missed copy: copies closer than this to the next eigenvalue are as good


@dataclass(frozen=True)
class Embedding:
    """k eigenvectors of the normalised affinity D^-1/2 A D^-1/2, divided by the square root of the degree.

    Attributes:
        vectors: (n, k) float32, one row a point; the first column is constant.
        eigenvalues: (k,) float64, descending, 1 first.
        residuals: (k,) float64, length of S u - lambda u for the unit eigenvector u: how far from exact.
    """

    vectors: FloatArray
    eigenvalues: FloatArray
    residuals: FloatArray


def spectral_embedding(graph: Graph, k: int, seed: int) -> Embedding:
    """The k leading eigenvectors of S = D^-1/2 A D^-1/2, each divided by sqrt(degree); no row normalisation.

    Lanczos on S itself for the largest eigenvalues, never shift-invert; LAPACK for small graphs. Signs make the
    largest entry of each eigenvector positive.

    A graph of c components has the eigenvalue 1 exactly c times, which Lanczos cannot see: that eigenspace is written
    down (the components' indicators, times sqrt(degree)), every component is solved by itself for its eigenvalues
    below 1, and all are merged in descending order. Its basis begins with the constant column; which orthonormal basis
    follows changes neither distances nor angles between rows. With more components than k, only a part of that
    eigenspace fits: the k - 1 components of largest degree sum (ties: the one of the lowest point) are told apart,
    all others are taken together as one.

    Args:
        graph: n points.
        k: 1 to n.
        seed: of the Lanczos start vector.

    Raises:
        SettingsError: k out of range.
        ComusError: Lanczos does not converge.
    """
    n = graph.affinity.shape[0]
    require(1 <= k <= n, f"{k} eigenvectors of a graph of {n} points: choose 1 to {n}")
    affinity = sparse.csr_array(graph.affinity, dtype=np.float64)
    root = np.sqrt(affinity.sum(axis=1))
    normalised = sparse.diags_array(1 / root) @ affinity @ sparse.diags_array(1 / root)
    ones = _eigenspace_of_one(graph.components, root, k)
    below, vectors = _below_one_of_all(normalised, root, graph.components, k - ones.shape[1], seed)
    eigenvalues, vectors = np.r_[np.ones(ones.shape[1]), below], np.column_stack([ones, vectors])
    vectors *= _signs(vectors)
    residuals = np.linalg.norm(normalised @ vectors - vectors * eigenvalues, axis=0)
    return Embedding((vectors / root[:, None]).astype(np.float32), eigenvalues, residuals)


def _eigenspace_of_one(components: IntArray, root: FloatArray, k: int) -> FloatArray:
    """(n, min(components, k)) orthonormal; the first column is proportional to `root`, the constant one."""
    degree_sums = np.bincount(components, root**2)
    told_apart = np.argsort(-degree_sums, kind="stable")[: k if len(degree_sums) <= k else k - 1]
    group = np.full(len(degree_sums), len(told_apart))
    group[told_apart] = np.arange(len(told_apart))
    of_point = group[components]
    count = int(of_point.max()) + 1
    indicators = np.zeros((len(components), count))
    indicators[np.arange(len(components)), of_point] = root
    lengths = np.linalg.norm(indicators, axis=0)
    basis: FloatArray = (indicators / lengths) @ _rotation_to(lengths / np.linalg.norm(lengths))
    return basis


def _rotation_to(first: FloatArray) -> FloatArray:
    """The orthogonal (Householder) matrix whose first column is the unit vector `first`."""
    mirror = first.copy()
    mirror[0] += 1 if first[0] >= 0 else -1
    reflection: FloatArray = np.eye(len(first)) - 2 * np.outer(mirror, mirror) / (mirror @ mirror)
    return reflection if first @ reflection[:, 0] > 0 else -reflection


def _below_one_of_all(
    normalised: Any, root: FloatArray, components: IntArray, count: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """The `count` leading eigenpairs below 1, descending, of all components together."""
    vectors = np.zeros((len(root), count))
    if count == 0:
        return np.zeros(0), vectors
    order = np.argsort(components, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(components))[:-1])
    solved = [_below_one(normalised[members][:, members], root[members], count, seed) for members in groups]
    values = np.concatenate([own_values for own_values, _ in solved])
    place = np.full(len(values), -1)
    leading = np.argsort(-values, kind="stable")[:count]
    place[leading] = np.arange(count)
    start = 0
    for members, (own_values, own_vectors) in zip(groups, solved, strict=True):
        columns = place[start : start + len(own_values)]
        vectors[np.ix_(members, columns[columns >= 0])] = own_vectors[:, columns >= 0]
        start += len(own_values)
    return values[leading], vectors


def _below_one(block: Any, root: FloatArray, count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """The leading eigenpairs of one connected component's S, its eigenvalue 1 left out; at most `count`."""
    n = len(root)
    count = min(count, n - 1)
    if count == 0:
        return np.zeros(0), np.zeros((n, 0))
    one = root / np.linalg.norm(root)
    if n <= DENSE_POINTS or 3 * count >= n:
        moved = block.toarray() - 2 * np.outer(one, one)  # from 1 to -1, the other end of the spectrum
        values, vectors = linalg.eigh(moved, subset_by_index=(n - count, n - 1))
    else:
        values, vectors = _lanczos(block, one, count, np.random.default_rng(seed))
    return values[::-1], vectors[:, ::-1]


def _lanczos(block: Any, one: FloatArray, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Lanczos sees one copy of a multiple eigenvalue: look again beside what was found until nothing is above it."""
    values, vectors = _leading(block, one[:, None], count, TOLERANCE, rng)
    more = 1
    while True:
        known = np.column_stack([one, vectors])
        if _leading(block, known, 1, LOOK_TOLERANCE, rng)[0][-1] <= values[0] + TOLERANCE:
            return values, vectors
        missed = _leading(block, known, more, TOLERANCE, rng)
        values, vectors = np.r_[values, missed[0]], np.column_stack([vectors, missed[1]])
        best = np.argsort(values, kind="stable")[-count:]
        values, vectors, more = values[best], vectors[:, best], min(2 * more, count)


def _leading(
    block: Any, known: FloatArray, count: int, tolerance: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The largest eigenpairs, ascending, of `block` without the orthonormal `known` eigenvectors."""
    n = len(known)
    moved = LinearOperator((n, n), matvec=lambda x: block @ x - 2 * (known @ (known.T @ x)), dtype=np.float64)
    basis, start = min(n, max(3 * count, 20)), rng.normal(size=n)
    try:
        with threadpool_limits(1, user_api="blas"):  # its vectors are short: more threads wait for each other
            values, vectors = eigsh(moved, count, which="LA", v0=start, ncv=basis, tol=tolerance)
        return values, vectors
    except ArpackNoConvergence as error:
        raise ComusError(
            f"{len(error.eigenvalues)} of {count} eigenvectors of {n} points converged: "
            "choose fewer clusters, or more neighbours"
        ) from None


def _signs(vectors: FloatArray) -> FloatArray:
    largest = np.abs(vectors).argmax(axis=0)
    return np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
