"""Exact nearest neighbours of a block of queries among prepared points, and the points that have a query in reach.

What `nearest_among` does for all points at once, for some: every worker can take a block of its own. Distances that
decide are of the same arithmetic, so that both find the same neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, local

import numba
import numpy as np

from comus_core.clustering.all_pairs import BLOCK, tile_of
from comus_core.clustering.blocks import Heed, heed_nothing
from comus_core.clustering.candidates import (
    STRIP,
    any_near,
    decide,
    empty_lists,
    keep_near,
    pair_squares,
    squared_distance,
)
from comus_core.clustering.nearest import nearest
from comus_core.clustering.search_points import SearchPoints
from comus_core.errors import Cancelled
from comus_core.machine.threads import Threads, row_blocks
from comus_core.types import FloatArray, IntArray, Vectors

QUERIES = 512  # of a tile: a block of a worker divides into as many as it has threads, and more
ROUNDING = 1e-12  # of a distance that is a reach


def nearest_to(
    queries: Vectors, known: SearchPoints, neighbours: int, heed: Heed = heed_nothing
) -> tuple[IntArray, FloatArray]:
    """The nearest points of each query by (Euclidean distance, index); equal queries get equal rows.

    `queries` are (m, d) finite float32; `neighbours` is from 1 to the number of points. What `heed` raises ends it
    within a moment.

    Returns:
        (m, neighbours) int32 indices into `known.points` and float64 squared distances, nearest first.
    """
    m, n = len(queries), len(known.points)
    centred, square, slack = known.moved(queries)
    lists = empty_lists(m, neighbours)
    state = (*lists, np.concatenate([square, known.square]), np.concatenate([slack, known.slack]), neighbours)
    indices, squares, complete = np.empty((m, neighbours), np.int32), np.empty((m, neighbours)), np.empty(m, np.bool_)
    own = np.arange(m, dtype=known.order.dtype)
    names = (queries, own, known.points, np.concatenate([own, known.order]))

    def scan(rows: slice, tile_with: Callable[[slice], FloatArray]) -> None:
        for columns in row_blocks(n, BLOCK):
            keep_near(tile_with(columns), rows.start, m + columns.start, False, *state)
        decide(rows.start, rows.stop, *names, *state, indices, squares, complete)

    _each_tile(centred, known, scan, heed)
    left = np.flatnonzero(~complete)  # too many points within rounding
    if len(left):
        indices[left], squares[left] = nearest(queries[left], known.points, neighbours, pair_squares)
    return indices, squares


def add_within_reach(
    queries: Vectors, known: SearchPoints, reach: FloatArray, rows: FloatArray, heed: Heed = heed_nothing
) -> tuple[FloatArray, IntArray]:
    """For each query the sum of the rows of those points that have it in reach, and how many these are.

    Args:
        queries: (m, d) finite float32.
        known: n points.
        reach: (n,) squared distance from each point within which it reaches.
        rows: (n, k) float64, of the points in their own order.
        heed: what it raises ends this within a moment.

    Returns:
        (m, k) float64 sums, added in one order whatever the queries beside, and (m,) int64 counts.
    """
    m = len(queries)
    centred, square, slack = known.moved(queries)
    limit = (reach[known.order] * (1 + ROUNDING) / float(known.scale) ** 2).astype(np.float32)
    sums, counts = np.zeros((m, rows.shape[1])), np.zeros(m, np.int64)

    def scan(part: slice, tile_with: Callable[[slice], FloatArray]) -> None:
        for columns in row_blocks(len(known.points), BLOCK):
            bounds = (limit[columns], known.square[columns], known.slack[columns], known.order[columns])
            there = (queries, known.points, reach, rows, sums, counts)
            _add_reaching(tile_with(columns), part.start, square, slack, *bounds, *there)

    _each_tile(centred, known, scan, heed)
    return sums, counts


def _each_tile(
    centred: Vectors, known: SearchPoints, scan: Callable[[slice, Callable[[slice], FloatArray]], None], heed: Heed
) -> None:
    """Let `scan` see some queries at a time, in threads, with a function that gives their products with some points."""
    space, given_up = local(), Event()

    def work(rows: slice) -> None:
        def tile_with(columns: slice) -> FloatArray:
            if given_up.is_set():
                raise Cancelled
            tile = tile_of(space, rows.stop - rows.start, columns.stop - columns.start)
            return np.matmul(centred[rows], known.centred[columns].T, out=tile)

        scan(rows, tile_with)

    with Threads() as threads:
        try:
            threads.map_heeding(work, row_blocks(len(centred), QUERIES), heed)
        except BaseException:
            given_up.set()  # else those that have begun would go on to their end
            raise


@numba.njit(nogil=True, cache=True)
def _add_reaching(  # type: ignore[no-untyped-def]
    tile, first, own_square, own_slack, limit, square, slack, names, queries, points, reach, rows, sums, counts
):
    """p.q - |p|^2/2 >= (|q|^2 - reach of q)/2 says that the query p may be in reach of q; float64 decides."""
    count, columns = tile.shape
    half, nowhere = np.float32(0.5) * square, np.float32(np.inf)
    for i in range(count):
        p, row = first + i, tile[i]
        own_half = np.float32(0.5) * own_square[p]
        floor = half - np.float32(0.5) * (limit + slack + own_slack[p])
        for start in range(0, columns, STRIP):
            strip = slice(start, start + STRIP)
            if not any_near(row[strip], half[strip], floor[strip], own_half, nowhere):
                continue
            for j in range(start, min(start + STRIP, columns)):
                if row[j] - own_half < floor[j]:
                    continue
                q = names[j]
                if squared_distance(queries[p], points[q]) <= reach[q] * (1 + ROUNDING):
                    counts[p] += 1
                    for c in range(rows.shape[1]):
                        sums[p, c] += rows[q, c]
