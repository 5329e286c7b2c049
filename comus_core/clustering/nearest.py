"""Exact nearest neighbours: float32 matrix products find the candidates, float64 differences decide among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from comus_core.types import FloatArray, IntArray, Vectors

TILE_BYTES = 32 << 20  # of one tile of float32 distances
PAIRS_AT_ONCE = 2048  # differences that stay in the cache


def nearest(
    queries: Vectors,
    points: Vectors,
    neighbours: int,
    squares: Callable[[Vectors, Vectors, IntArray, IntArray], FloatArray] | None = None,
) -> tuple[IntArray, FloatArray]:
    """The nearest points of each query by (Euclidean distance, index).

    Squared distances are sums of squared float64 differences, so exact duplicates are exactly equally far and the lower
    index comes first. The matrix product only excludes points, by a bound on its rounding error. `queries` are (m, d)
    and `points` (n, d), finite float32; `neighbours` is from 1 to n. `squares` gives the squared distances of pairs
    (queries, points, rows, columns); None: NumPy's.

    Returns:
        (m, neighbours) int32 indices into `points` and float64 squared distances, nearest first.
    """
    squares = squares or _squared_distances
    candidates = np.flatnonzero(place_among_equals(points) < neighbours)
    indices = np.empty((len(queries), neighbours), np.int32)
    square = np.empty((len(queries), neighbours))
    for start, rows, columns in _close_pairs(queries, points[candidates], neighbours):
        columns = candidates[columns]
        exact = squares(queries, points, rows, columns)
        best = _first_of_each_row(rows, exact, columns, neighbours)
        end = start + len(best)
        indices[start:end], square[start:end] = columns[best], exact[best]
    return indices, square


def groups_of_equals(vectors: Vectors) -> IntArray:
    """(n,) a number from 0 up for each distinct row of `vectors` (n, d), d > 0; identical rows share it."""
    rows = np.ascontiguousarray(vectors + np.float32(0))  # -0.0 becomes 0.0: equal numbers are equal bytes
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    order = np.argsort(keys, kind="stable")
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(np.r_[False, keys[order[1:]] != keys[order[:-1]]])
    return group


def place_among_equals(points: Vectors) -> IntArray:
    """The number of identical points before each: one with k before it is in no point's k nearest."""
    group = groups_of_equals(points)
    order, sizes = np.argsort(group, kind="stable"), np.bincount(group)
    place = np.empty(len(group), np.int64)
    place[order] = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return place


def rank_candidates(points: Vectors, candidates: IntArray, neighbours: int) -> IntArray:
    """(n, neighbours) int32: the nearest of each point's (n, m) candidates by (exact distance, index)."""
    indices = np.empty((len(points), neighbours), np.int32)
    for start in range(0, len(points), PAIRS_AT_ONCE):
        block = candidates[start : start + PAIRS_AT_ONCE]
        rows, columns = np.repeat(np.arange(len(block)), block.shape[1]), block.ravel()
        exact = _squared_distances(points, points, rows + start, columns)
        indices[start : start + len(block)] = columns[_first_of_each_row(rows, exact, columns, neighbours)]
    return indices


def _close_pairs(queries: Vectors, points: Vectors, neighbours: int) -> Iterator[tuple[int, IntArray, IntArray]]:
    """Tile by tile: the tile's first query, and all (query, point) pairs that can be among the nearest.

    |float32 result - true| is below 2 (d + 16) eps (|q|^2 + |p|^2) for p.p - 2 q.p, with room: every point whose lower
    bound reaches the k-th smallest upper bound stays. Centring first makes the bound tight, and moves no neighbour.
    """
    centre = points.mean(axis=0, dtype=np.float64)
    scale = max(float(np.abs(x - centre).max(initial=0)) for x in (points, queries)) or 1.0
    q, p = ((x - centre) / scale for x in (queries, points))
    error = 2 * (points.shape[1] + 16) * float(np.finfo(np.float32).eps)
    q_slack, p_square = 2 * error * np.square(q).sum(axis=1), np.square(p).sum(axis=1)
    upper_part, p_slack = ((p_square * factor).astype(np.float32) for factor in (1 + error, 2 * error))
    q, p = (-2 * q).astype(np.float32), p.astype(np.float32)
    height = max(1, TILE_BYTES // (4 * len(p)))
    for start in range(0, len(q), height):
        upper = q[start : start + height] @ p.T
        upper += upper_part
        limit = np.partition(upper, neighbours - 1, axis=1)[:, neighbours - 1] + q_slack[start : start + height]
        upper -= p_slack
        rows, columns = np.nonzero(upper <= limit.astype(np.float32)[:, None])
        yield start, rows + start, columns


def _squared_distances(queries: Vectors, points: Vectors, rows: IntArray, columns: IntArray) -> FloatArray:
    square = np.empty(len(rows))
    for start in range(0, len(rows), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        difference = queries[rows[part]].astype(np.float64) - points[columns[part]]
        square[part] = np.einsum("ij,ij->i", difference, difference)
    return square


def _first_of_each_row(rows: IntArray, distance: FloatArray, columns: IntArray, count: int) -> IntArray:
    """(rows, count) positions of the first `count` pairs of each row by (distance, column)."""
    order = np.lexsort((columns, distance, rows))
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])  # rows come sorted, and sorting keeps their runs
    first: IntArray = order[starts[:, None] + np.arange(count)]
    return first
