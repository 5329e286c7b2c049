"""k-means with restarts: greedy k-means++, then Lloyd's algorithm as float32 matrix products, restarts side by side.

As scikit-learn's `KMeans` (n_init, tolerance of 1e-4 of the mean variance, 300 steps, empty clusters moved to the
farthest points); every restart runs to its end, and the one of least inertia wins.
"""

from __future__ import annotations

import numba
import numpy as np

from comus_core.machine.threads import Threads, row_blocks
from comus_core.types import FloatArray, IntArray

STEPS = 300
TOLERANCE = 1e-4  # of the centres' squared shift, relative to the mean variance
ROWS = 2048  # points whose products stay in the cache


def k_means(points: FloatArray, clusters: int, n_init: int, seed: int) -> tuple[IntArray, FloatArray, float]:
    """The best of `n_init` runs of k-means.

    The same seed gives the same bytes on one machine, whatever the number of threads.

    Args:
        points: (n, d) finite.
        clusters: K, 1 to n.
        n_init: restarts; restart r of any number of them is the same.
        seed: of all of them.

    Returns:
        (n,) int32 labels, (K, d) float64 centres and the inertia. Each point is with its nearest centre by float64
        distance, the first among equals. A label without points is possible only where distinct points are fewer than
        K.
    """
    mean = points.mean(axis=0, dtype=np.float64)
    centred = (points - mean).astype(np.float32)
    scale = float(np.abs(centred).max()) or 1.0  # squares of tiny numbers would vanish in float32
    centred /= np.float32(scale)
    with Threads() as threads:
        runs = threads.map(lambda restart: _Restart(centred, clusters, (seed, restart)).run(), range(n_init))
    best = min(runs, key=lambda run: run.inertia)
    centres = best.centres.astype(np.float64) * scale + mean
    labels, inertia = _nearest_in_double(points, centres)
    return labels, centres, inertia


class _Restart:
    """One run from one start, in one thread."""

    def __init__(self, points: FloatArray, clusters: int, seed: tuple[int, int]) -> None:
        self.points, self.clusters, self.rng = points, clusters, np.random.default_rng(seed)
        self.square = np.einsum("ij,ij->i", points, points)
        self.labels = np.full(len(points), -1, np.int32)
        self.distance = np.empty(len(points), np.float32)  # |p - c|^2 / 2 - |p|^2 / 2 for the nearest c
        self.sums, self.sizes = np.zeros((clusters, points.shape[1])), np.zeros(clusters, np.int64)
        self.centres: FloatArray = np.empty(0)
        self.inertia = 0.0

    def run(self) -> _Restart:
        variance = float(np.mean(self.points.var(axis=0, dtype=np.float64)))
        self.centres = self._start()
        for _ in range(STEPS):
            changed = self._assign()
            if changed == 0:
                break
            self._fill_empty()
            moved = (self.sums / np.maximum(self.sizes, 1)[:, None]).astype(np.float32)
            moved[self.sizes == 0] = self.centres[self.sizes == 0]
            shift = float(np.square(moved - self.centres, dtype=np.float64).sum())
            self.centres = moved
            if shift <= TOLERANCE * variance:
                self._assign()
                break
        self.inertia = float(np.sum(self.square, dtype=np.float64) + 2 * np.sum(self.distance, dtype=np.float64))
        return self

    def _start(self) -> FloatArray:
        """Greedy k-means++: each new centre is the best of some points drawn by squared distance."""
        n, trials = len(self.points), 2 + int(np.log(self.clusters))
        chosen = [int(self.rng.integers(n))]
        nearest = self._square_distances(np.array(chosen))[0]
        for _ in range(1, self.clusters):
            weight = np.cumsum(nearest, dtype=np.float64)
            draws = np.searchsorted(weight, self.rng.random(trials) * weight[-1], side="right")
            tried = np.minimum(draws, n - 1)
            distances = np.minimum(self._square_distances(tried), nearest)
            best = int(distances.sum(axis=1, dtype=np.float64).argmin())
            chosen.append(int(tried[best]))
            nearest = distances[best]
        return self.points[chosen].copy()

    def _square_distances(self, chosen: IntArray) -> FloatArray:
        """(len(chosen), n) float32; of a point to itself exactly 0."""
        distances = self.points[chosen] @ self.points.T
        distances *= -2
        distances += self.square
        distances += self.square[chosen][:, None]
        np.maximum(distances, 0, out=distances)
        distances[np.arange(len(chosen)), chosen] = 0
        return distances

    def _assign(self) -> int:
        """Give every point its nearest centre; how many changed theirs."""
        half = np.einsum("ij,ij->i", self.centres, self.centres) / np.float32(2)
        changed = 0
        for rows in row_blocks(len(self.points), ROWS):
            products = self.centres @ self.points[rows].T
            state = (self.points[rows], self.labels[rows], self.distance[rows], self.sums, self.sizes)
            changed += _nearest_centre(products, half, *state)
        return changed

    def _fill_empty(self) -> None:
        """An empty cluster takes the point that is farthest from its centre."""
        empty = np.flatnonzero(self.sizes == 0)
        if not len(empty):
            return
        farthest = np.argsort(-(self.square + 2 * self.distance), kind="stable")[: len(empty)]
        for cluster, point in zip(empty, farthest, strict=True):
            old = self.labels[point]
            for label, sign in ((old, -1), (cluster, 1)):
                self.sums[label] += sign * self.points[point].astype(np.float64)
                self.sizes[label] += sign
            self.labels[point] = cluster


def _nearest_in_double(points: FloatArray, centres: FloatArray) -> tuple[IntArray, float]:
    labels, total = np.empty(len(points), np.int32), 0.0
    square = np.einsum("ij,ij->i", centres, centres)
    with Threads() as threads:

        def label(rows: slice) -> float:
            block = points[rows].astype(np.float64)
            distance = square - 2 * block @ centres.T
            labels[rows] = distance.argmin(axis=1)
            return float(np.square(block - centres[labels[rows]]).sum())

        for part in threads.map(label, row_blocks(len(points))):
            total += part
    return labels, total


@numba.njit(nogil=True, cache=True)
def _nearest_centre(products, half, points, labels, distance, sums, sizes):  # type: ignore[no-untyped-def]
    """The centre of largest p.c - |c|^2 / 2 for every point; sums and sizes follow those that changed."""
    best = np.full(labels.size, np.inf, np.float32)
    nearest = np.zeros(labels.size, np.int32)
    for c in range(half.size):
        row, half_square = products[c], half[c]
        for j in range(row.size):
            value = half_square - row[j]
            nearer = value < best[j]
            best[j] = value if nearer else best[j]
            nearest[j] = c if nearer else nearest[j]
    changed = 0
    for j in range(labels.size):
        distance[j] = best[j]
        old, new = labels[j], nearest[j]
        if old == new:
            continue
        changed += 1
        labels[j] = new
        sizes[new] += 1
        for d in range(points.shape[1]):
            sums[new, d] += points[j, d]
        if old >= 0:
            sizes[old] -= 1
            for d in range(points.shape[1]):
                sums[old, d] -= points[j, d]
    return changed
