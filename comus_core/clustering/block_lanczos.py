"""Leading eigenvectors of a large sparse symmetric matrix: filtered block Lanczos with thick restarts.

Many vectors at once make one pass over the matrix serve all of them and turn orthogonalisation into matrix products
(Krylov-Schur: Stewart 2001; in blocks: Zhou and Saad 2008). A block also sees every copy of a multiple eigenvalue up to
its width; what an exhausted space lacks is filled with fresh random vectors. As products with a neighbour graph are
much cheaper than orthogonalisation, Lanczos runs on a Chebyshev polynomial of the matrix, which is large at the wanted
eigenvalues alone: as good as that many more steps (Fang and Saad 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from scipy import linalg

from comus_core.machine.threads import Threads, row_blocks
from comus_core.types import FloatArray

BLOCK = 16  # vectors multiplied together
SPARE = 32  # Ritz vectors kept at a restart beside the wanted ones
DEGREE = 5  # of the polynomial; odd, so that what lies below its interval goes to the other end
ROUNDS = 60  # of restarts, before it is given up


@dataclass(frozen=True)
class Eigenpairs:
    """Leading eigenpairs, descending: `values` (k,) float64, unit `vectors` (n, k) and their `residuals` (k,)."""

    values: FloatArray
    vectors: FloatArray
    residuals: FloatArray


@dataclass(frozen=True)
class _Filter:
    """T_degree of the matrix, with low to high moved to -1 to 1."""

    degree: int
    low: float
    high: float

    def of(self, values: FloatArray) -> FloatArray:
        moved = (2 * values - self.high - self.low) / (self.high - self.low)
        image: FloatArray = np.polynomial.chebyshev.chebval(moved, [0] * self.degree + [1])
        return image


IDENTITY = _Filter(1, -1.0, 1.0)


def leading_eigenpairs(
    matrix: Any,
    excluded: FloatArray,
    count: int,
    tolerance: float,
    rng: np.random.Generator,
    threads: Threads,
    block: int = BLOCK,
) -> Eigenpairs:
    """The largest eigenvalues of a symmetric matrix, except known ones, and their eigenvectors.

    Computed in the matrix's own precision. The same bytes come out whatever the number of threads. Where the residuals
    stay above `tolerance`, the best result is returned.

    Args:
        matrix: (n, n) symmetric CSR of float32 or float64 with norm at most 1.
        excluded: (n, q) known orthonormal eigenvectors.
        count: number of eigenpairs; n is at least `fewest_points(q + count)`.
        tolerance: of the residual |S u - lambda u| of each.
        rng: of the start.
        threads: an open context.
        block: vectors multiplied together: more copies of a multiple eigenvalue than that are not seen.
    """
    space = _Space(matrix, excluded, _width(count, block), block, threads)
    space.start(rng.standard_normal((len(excluded), block)), IDENTITY, rng)
    values, coordinates, _ = space.expand(rng)
    high, low = values[min(count + SPARE, len(values) - 1)], values[-1]
    space.restart(values, coordinates, count)
    mixed = space.kept(count) @ rng.standard_normal((count, block)).astype(matrix.dtype)
    filtered = _Filter(DEGREE, low, high)
    space.start(mixed, filtered, rng)
    best = None
    for _ in range(ROUNDS):
        values, coordinates, residuals = space.expand(rng)
        slope = np.maximum(values[:count] - 1, 1e-9)  # any other eigenvalue's image is this far away, or its slope
        space.restart(values, coordinates, min(count + SPARE, len(values) - block))
        if (residuals[:count] * (1 - low) / slope <= 10 * tolerance).all():  # mostly a tenth of this bound: look
            pairs = space.pairs(count)
            best = pairs if best is None or pairs.residuals.max() < best.residuals.max() else best
            if best.residuals.max() <= tolerance:
                return best
    return best or space.pairs(count)


def glimpse(matrix: Any, excluded: FloatArray, rng: np.random.Generator, threads: Threads, block: int = BLOCK) -> float:
    """A lower bound of the largest eigenvalue except the known ones, from a few steps with fresh vectors."""
    space = _Space(matrix, excluded, 8 * block, block, threads)
    space.start(rng.standard_normal((len(excluded), block)), IDENTITY, rng)
    return float(space.expand(rng)[0][0])


def fewest_points(count: int, block: int = BLOCK) -> int:
    """Points below which a dense solver is needed for `count` eigenvectors."""
    return count + 2 * _width(count, block)


def _width(count: int, block: int) -> int:
    return max(4 * count, count + SPARE + 6 * block) // block * block


class _Space:
    """An orthonormal basis (n, width), the known vectors first, with the filtered matrix as it acts on the rest."""

    def __init__(self, matrix: Any, excluded: FloatArray, width: int, block: int, threads: Threads) -> None:
        self.block = block
        self.matrix, self.threads, self.skip = matrix, threads, excluded.shape[1]
        self.blocks = row_blocks(len(excluded))
        self.end = self.skip + width
        self.basis = np.empty((len(excluded), self.end), matrix.dtype)
        self.basis[:, : self.skip] = excluded
        self.action = np.zeros((self.end, self.end))
        self.size, self.fresh = self.skip, True
        self.filter, self.norm = IDENTITY, 1.0
        self.next = np.empty((0, 0))

    def start(self, block: FloatArray, by: _Filter, rng: np.random.Generator) -> None:
        self.size, self.filter, self.norm = self.skip, by, float(by.of(np.ones(1))[0])
        self.action[:] = 0
        self.next = self._orthonormal(block.astype(self.basis.dtype), rng)[0]

    def expand(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Grow to the full width. Ritz values, descending, their coordinates, and the lengths of their residuals."""
        while self.size + self.block <= self.end:
            new = slice(self.size, self.size + self.block)
            self.basis[:, new] = self.next
            self.size = new.stop
            image = apply(self.matrix, self.next, self.filter, self.threads)
            recent = self.skip if self.fresh else self.size - 2 * self.block  # in theory all that is not orthogonal
            first = self._project(image, recent)
            self.next, coupling, rest = self._orthonormal(image, rng)
            rest[recent:] += first
            self.action[: self.size, new], self.action[new, : self.size] = rest, rest.T
            self.fresh = False
        projected = self.action[self.skip : self.size, self.skip : self.size]
        values, coordinates = linalg.eigh((projected + projected.T) / 2)
        values, coordinates = values[::-1], coordinates[:, ::-1]
        return values, coordinates, np.linalg.norm(coupling @ coordinates[-self.block :], axis=0)

    def restart(self, values: FloatArray, coordinates: FloatArray, keep: int) -> None:
        """Shrink the basis to the `keep` leading Ritz vectors."""
        old, turn = slice(self.skip, self.size), coordinates[:, :keep].astype(self.basis.dtype)
        self.size, self.fresh = self.skip + keep, True

        def rotate(rows: slice) -> None:
            self.basis[rows, self.skip : self.size] = self.basis[rows, old] @ turn

        self.threads.map(rotate, self.blocks)
        self.action[:] = 0
        np.fill_diagonal(self.action[self.skip : self.size, self.skip : self.size], values[:keep])

    def kept(self, count: int) -> FloatArray:
        vectors: FloatArray = self.basis[:, self.skip : self.skip + count].copy()
        return vectors

    def pairs(self, count: int) -> Eigenpairs:
        """Eigenpairs of the matrix itself in the span of the first `count` vectors of the basis after `restart`."""
        vectors = self.kept(count)
        image = apply(self.matrix, vectors, IDENTITY, self.threads)
        values, turn = linalg.eigh(self._inner(vectors, image))
        values, turn = values[::-1], turn[:, ::-1].astype(vectors.dtype)
        vectors, image = vectors @ turn, image @ turn
        return Eigenpairs(values, vectors, np.linalg.norm(image - vectors * values.astype(vectors.dtype), axis=0))

    def _project(self, block: FloatArray, start: int = 0) -> FloatArray:
        """Take the basis from column `start` on out of the block, in place. The coefficients, float64."""
        columns = slice(start, self.size)
        coefficients = self._inner(self.basis[:, columns], block)
        small = coefficients.astype(block.dtype)

        def subtract(rows: slice) -> None:
            block[rows] -= self.basis[rows, columns] @ small

        self.threads.map(subtract, self.blocks)
        return coefficients

    def _inner(self, left: FloatArray, right: FloatArray) -> FloatArray:
        parts = self.threads.map(lambda rows: left[rows].T @ right[rows], self.blocks)
        total = np.zeros(parts[0].shape)
        for part in parts:  # in the order of the rows
            total += part
        return total

    def _orthonormal(self, block: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Q, R and C with block = Q R + basis C, Q orthonormal also to the basis; zero rows of R: a fresh direction.

        Again until nothing shrinks: a Gram matrix resolves directions down to 1/sqrt(eps) of the largest only.
        """
        factor, coefficients = np.eye(self.block), np.zeros((self.size, self.block))
        block, triangle, shrunk = self._normal(block, self.norm, rng)
        while True:
            factor = triangle @ factor
            coefficients += self._project(block) @ factor
            block, triangle, shrunk = self._normal(block, 1.0, rng)
            if not shrunk:
                return block, triangle @ factor, coefficients

    def _normal(self, block: FloatArray, scale: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, bool]:
        square, axes = np.linalg.eigh(self._inner(block, block))
        length = np.sqrt(np.maximum(square, 0))
        empty = length <= 100 * float(np.finfo(block.dtype).eps) * scale
        turn = (axes / np.where(empty, np.inf, length)).astype(block.dtype)
        block = np.concatenate(self.threads.map(lambda rows: block[rows] @ turn, self.blocks))
        block[:, empty] = rng.standard_normal((len(block), int(empty.sum()))) / np.sqrt(len(block))
        return block, np.where(empty, 0, length)[:, None] * axes.T, bool(empty.any() or square.min() < 0.5)


def apply(matrix: Any, block: FloatArray, by: _Filter, threads: Threads) -> FloatArray:
    """The filtered CSR matrix times a dense block, (n, w), by rows in threads (Chebyshev's recurrence)."""
    scale, shift = 2 / (by.high - by.low), (by.high + by.low) / 2
    rows, kind = row_blocks(matrix.shape[0], 1024), block.dtype.type
    previous, current = np.zeros((1, 1), block.dtype), np.ascontiguousarray(block)
    for step in range(by.degree):
        image = np.empty_like(current)
        times = kind(scale if step == 0 else 2 * scale)
        arrays = (matrix.data, matrix.indices, matrix.indptr, current, previous, image, times, kind(shift), step > 0)

        def multiply(part: slice, arrays: tuple[Any, ...] = arrays) -> None:
            _multiply(part.start, part.stop, *arrays)

        threads.map(multiply, rows)
        previous, current = current, image
    return current


@numba.njit(nogil=True, cache=True)
def _multiply(start, stop, data, indices, starts, block, previous, image, times, shift, minus):  # type: ignore[no-untyped-def]
    """Fill `image` with times (matrix @ block - shift * block), minus `previous` if `minus`."""
    for i in range(start, stop):
        row, source = image[i], block[i]
        for c in range(row.size):
            row[c] = -shift * source[c]
        for at in range(starts[i], starts[i + 1]):
            factor, column = data[at], block[indices[at]]
            for c in range(row.size):
                row[c] += factor * column[c]
        for c in range(row.size):
            row[c] *= times
        if minus:
            for c in range(row.size):
                row[c] -= previous[i, c]
