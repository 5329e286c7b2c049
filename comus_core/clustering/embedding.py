"""The spectral embedding of a neighbour graph (paper section 3.2; method 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from comus_core.clustering.graph import Graph
from comus_core.errors import ComusError
from comus_core.machine.threads import Threads
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray

DENSE_POINTS = 1000  # up to here LAPACK is as fast as Lanczos
DOUBLE_POINTS = 2000  # up to here Lanczos runs in float64 at once
SINGLE, DOUBLE = 1e-5, 1e-9  # residuals that end Lanczos in float32 and in float64
ENOUGH = 1e-6  # a residual in float64 above this is an error, not rounding
MISSED = 1e-4  # a copy nearer than this to the last eigenvalue is as good as that


@dataclass(frozen=True)
class Embedding:
    """k eigenvectors of the normalised affinity D^-1/2 A D^-1/2, divided by the square root of the degree.

    Attributes:
        vectors: (n, k) float32, one row a point; the first column is constant.
        eigenvalues: (k,) float64, descending, 1 first.
        residuals: (k,) float64, length of S u - lambda u for the unit eigenvector u: how far from exact.
        precision: `float64`, or `float32` where Lanczos ran in it; the residuals are float64 in any case.
    """

    vectors: FloatArray
    eigenvalues: FloatArray
    residuals: FloatArray
    precision: str = "float64"


def spectral_embedding(graph: Graph, k: int, seed: int) -> Embedding:
    """The k leading eigenvectors of S = D^-1/2 A D^-1/2, each divided by sqrt(degree); no row normalisation.

    LAPACK for small graphs, filtered block Lanczos on S itself for others (never shift-invert): in float32 to residuals
    of 1e-5, and again in float64 where they stay above. Signs make the largest entry of each eigenvector positive.
    The same seed gives the same bytes on one machine, whatever the number of threads.

    A graph of c components has the eigenvalue 1 exactly c times, which Lanczos cannot see: that eigenspace is written
    down (the components' indicators, times sqrt(degree)), every component is solved by itself for its eigenvalues
    below 1, and all are merged in descending order. Its basis begins with the constant column; which orthonormal basis
    follows changes neither distances nor angles between rows. With more components than k, only a part of that
    eigenspace fits: the k - 1 components of largest degree sum (ties: the one of the lowest point) are told apart,
    all others are taken together as one.

    Raises:
        SettingsError: k out of range.
        ComusError: Lanczos does not converge.
    """
    n = graph.affinity.shape[0]
    require(1 <= k <= n, f"{k} eigenvectors of a graph of {n} points: must be from 1 to {n}")
    affinity = sparse.csr_array(graph.affinity, dtype=np.float64)
    root = np.sqrt(affinity.sum(axis=1))
    normalised = sparse.csr_array(sparse.diags_array(1 / root) @ affinity @ sparse.diags_array(1 / root))
    ones = _eigenspace_of_one(graph.components, root, k)
    with Threads() as threads:
        solver = _Solver(threads, seed)
        below, vectors = _below_one_of_all(normalised, root, graph.components, k - ones.shape[1], solver)
    eigenvalues, vectors = np.r_[np.ones(ones.shape[1]), below], np.column_stack([ones, vectors])
    vectors *= _signs(vectors)
    residuals = _residuals(normalised, vectors, eigenvalues)
    vectors /= root[:, None]
    return Embedding(vectors.astype(np.float32), eigenvalues, residuals, solver.precision)


def _eigenspace_of_one(components: IntArray, root: FloatArray, k: int) -> FloatArray:
    """(n, min(components, k)) orthonormal; the first column is proportional to `root`, the constant one."""
    degree_sums = np.bincount(components, root**2)
    separate = np.argsort(-degree_sums, kind="stable")[: k if len(degree_sums) <= k else k - 1]
    group = np.full(len(degree_sums), len(separate))
    group[separate] = np.arange(len(separate))
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
    normalised: Any, root: FloatArray, components: IntArray, count: int, solver: _Solver
) -> tuple[FloatArray, FloatArray]:
    """The `count` leading eigenpairs below 1, descending, of all components together."""
    vectors = np.zeros((len(root), count))
    if count == 0:
        return np.zeros(0), vectors
    order = np.argsort(components, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(components))[:-1])
    if len(groups) == 1:
        return solver.below_one(normalised, root, count)
    solved = [solver.below_one(normalised[members][:, members], root[members], count) for members in groups]
    values = np.concatenate([part_values for part_values, _ in solved])
    place = np.full(len(values), -1)
    leading = np.argsort(-values, kind="stable")[:count]
    place[leading] = np.arange(count)
    start = 0
    for members, (part_values, part_vectors) in zip(groups, solved, strict=True):
        columns = place[start : start + len(part_values)]
        vectors[np.ix_(members, columns[columns >= 0])] = part_vectors[:, columns >= 0]
        start += len(part_values)
    return values[leading], vectors


class _Solver:
    """Leading eigenpairs of connected components, descending, by whatever suits their size."""

    def __init__(self, threads: Threads, seed: int) -> None:
        self.threads, self.seed, self.precision = threads, seed, "float64"

    def below_one(self, block: Any, root: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
        """The leading eigenpairs of one connected component's S, without its eigenvalue 1; at most `count`."""
        from comus_core.clustering.block_lanczos import fewest_points  # loads numba

        n = len(root)
        count = min(count, n - 1)
        if count == 0:
            return np.zeros(0), np.zeros((n, 0))
        constant = root / np.linalg.norm(root)
        if n <= max(DENSE_POINTS, fewest_points(count)):
            moved = block.toarray() - 2 * np.outer(constant, constant)  # from 1 to -1, the other end of the spectrum
            values, vectors = linalg.eigh(moved, subset_by_index=(n - count, n - 1))
            return values[::-1], vectors[:, ::-1]
        if n > DOUBLE_POINTS:
            values, vectors = self._lanczos(block, constant, count, np.float32, SINGLE)
            if _residuals(block, vectors, values).max() <= 2 * SINGLE:
                self.precision = "float32"
                return values, vectors
        values, vectors = self._lanczos(block, constant, count, np.float64, DOUBLE)
        right = int((_residuals(block, vectors, values) <= ENOUGH).sum())
        if right < count:
            raise ComusError(
                f"only {right} of {count} eigenvectors of {n} points converged: use fewer clusters, or more neighbours"
            )
        return values, vectors

    def _lanczos(
        self, block: Any, constant: FloatArray, count: int, kind: type, tolerance: float
    ) -> tuple[FloatArray, FloatArray]:
        """A block misses copies of an eigenvalue beyond its width: check for more, then widen the block."""
        from comus_core.clustering.block_lanczos import BLOCK, fewest_points, glimpse, leading_eigenpairs

        matrix, width = sparse.csr_array(block, dtype=kind), BLOCK
        excluded: FloatArray = constant[:, None].astype(kind)
        rng = np.random.default_rng(self.seed)
        while True:
            pairs = leading_eigenpairs(matrix, excluded, count, tolerance, rng, self.threads, width)
            next_value = glimpse(matrix, np.column_stack([excluded, pairs.vectors]), rng, self.threads, width)
            if next_value <= pairs.values[-1] + MISSED or fewest_points(count, 2 * width) > len(constant):
                return _rayleigh_ritz(block, constant, pairs.vectors)
            width *= 2


def _rayleigh_ritz(block: Any, constant: FloatArray, vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The best eigenpairs in the span, in float64: eigenvalues exact to the square of the residuals."""
    basis = vectors.astype(np.float64)
    basis -= np.outer(constant, constant @ basis)
    lower = linalg.cholesky(basis.T @ basis, lower=True)
    basis = basis @ linalg.solve_triangular(lower, np.eye(len(lower)), lower=True).T
    values, turn = linalg.eigh(basis.T @ (block @ basis))
    return values[::-1], basis @ turn[:, ::-1]


def _residuals(matrix: Any, vectors: FloatArray, values: FloatArray) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(matrix @ vectors - vectors * values, axis=0)
    return lengths


def _signs(vectors: FloatArray) -> FloatArray:
    largest = np.abs(vectors).argmax(axis=0)
    return np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
