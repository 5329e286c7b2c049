"""Exact nearest neighbours of points among themselves: every product of two points serves both of them.

Blocks of points meet each other once, as in a round-robin tournament: all meetings of a round are of different blocks
and run side by side. A meeting is one float32 matrix product; a compiled loop passes over it once and keeps, for the
rows and for the columns, what can still be among a point's k nearest. Float64 differences decide at the end.
"""

from __future__ import annotations

from threading import local
from typing import Any

import numba
import numpy as np

from comus_core.machine.threads import Threads, row_blocks
from comus_core.types import BoolMask, FloatArray, IntArray, Vectors

BLOCK = 1024  # points of a block: a tile of products stays in the cache
ROOM = 2  # candidates kept for a point, in multiples of k, before those that fell behind are dropped
STRIP = 16  # products looked at together


def nearest_among(points: Vectors, neighbours: int) -> tuple[IntArray, BoolMask]:
    """The nearest points of every point, itself included, by (Euclidean distance, index).

    Squared distances are sums of squared float64 differences, in one order: exact duplicates are exactly equally far.

    Args:
        points: (n, d) finite float32.
        neighbours: k, 1 to n.

    Returns:
        (n, k) int32, nearest first, and (n,) bool: False where so many points are within rounding of the k-th that they
        were not kept, and the row means nothing.
    """
    n = len(points)
    shuffled = np.random.default_rng(0).permutation(n)  # sorted points would come ever nearer, and all be kept
    centred, square, slack = _centred(points, shuffled)
    room = ROOM * neighbours + STRIP
    distance, index = np.empty((n, room), np.float32), np.empty((n, room), np.int32)
    count, limit = np.zeros(n, np.int32), np.full(n, np.inf, np.float32)
    state = (distance, index, count, limit, square, slack, neighbours)
    indices, complete = np.empty((n, neighbours), np.int32), np.empty(n, np.bool_)
    with Threads() as threads:
        blocks = row_blocks(n, _block_size(n, threads.count))
        space = local()

        def meet(pair: tuple[int, int]) -> None:
            a, b = (blocks[p] for p in pair)
            tile = _tile(space, a.stop - a.start, b.stop - b.start)
            np.matmul(centred[a], centred[b].T, out=tile)
            _keep(tile, a.start, b.start, *state)

        for meetings in _rounds(len(blocks)):
            threads.map(meet, meetings)
        threads.map(
            lambda rows: _decide(points, shuffled, rows.start, rows.stop, *state, indices, complete), row_blocks(n, 512)
        )
    return indices, complete


def _centred(points: Vectors, order: IntArray) -> tuple[Vectors, FloatArray, FloatArray]:
    """The points in `order`, moved and scaled; their squared lengths; a bound on the rounding error.

    With float32 products p.q, |p|^2 + |q|^2 - 2 p.q is off by less than 2 (d + 16) eps (|p|^2 + |q|^2), with room.
    """
    centre = points.mean(axis=0, dtype=np.float64)
    scale = max(float(np.abs(points[rows] - centre).max()) for rows in row_blocks(len(points))) or 1.0
    centred = np.empty(points.shape, np.float32)
    square = np.empty(len(points))
    for rows in row_blocks(len(points)):
        wide = (points[order[rows]] - centre) / scale
        centred[rows], square[rows] = wide, np.einsum("ij,ij->i", wide, wide)
    error = 2 * (points.shape[1] + 16) * float(np.finfo(np.float32).eps)
    return centred, square.astype(np.float32), (error * square).astype(np.float32)


def _block_size(n: int, threads: int) -> int:
    """So that every thread has work in each round, and the last block is as large as the others."""
    count = max(2 * threads, -(-n // BLOCK))
    return -(-n // (count + count % 2))


def _tile(space: Any, rows: int, columns: int) -> FloatArray:
    """A thread's own memory for products."""
    if not hasattr(space, "memory") or space.memory.size < rows * columns:
        space.memory = np.empty(rows * columns, np.float32)
    tile: FloatArray = space.memory[: rows * columns].reshape(rows, columns)
    return tile


def _rounds(count: int) -> list[list[tuple[int, int]]]:
    """Every block with itself, then every two blocks once; no block is in two meetings of a round (circle method)."""
    ring = [*range(count), *([-1] if count % 2 else [])]
    rounds = [[(block, block) for block in range(count)]]
    for _ in range(len(ring) - 1):
        half = len(ring) // 2
        rounds.append([pair for pair in zip(ring[:half], ring[: -half - 1 : -1], strict=True) if min(pair) >= 0])
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return rounds


@numba.njit(nogil=True, cache=True)
def _keep(tile, first, second, distance, index, count, limit, square, slack, neighbours):  # type: ignore[no-untyped-def]
    """Put the pairs of one tile on the lists of both points, where they are within the limit.

    p.q - |q|^2/2 >= (|p|^2 - limit of p)/2 says that q is near enough for p.
    """
    rows, columns = tile.shape
    both = first != second
    row_slack, column_slack = slack[second : second + columns].max(), slack[first : first + rows].max()
    half = np.float32(0.5) * square[second : second + columns]
    floor = half - np.float32(0.5) * (limit[second : second + columns] + column_slack)
    if not both:
        floor[:] = np.inf  # in a block's meeting with itself the rows see all
    for i in range(rows):
        p, row = first + i, tile[i]
        own_half = np.float32(0.5) * square[p]
        own_floor = own_half - np.float32(0.5) * (limit[p] + row_slack)
        for start in range(0, columns, STRIP):
            strip = slice(start, start + STRIP)
            if not _any_near(row[strip], half[strip], floor[strip], own_half, own_floor):
                continue
            for j in range(start, min(start + STRIP, columns)):
                q = second + j
                if row[j] - half[j] >= own_floor:
                    _push(p, q, row[j], distance, index, count, limit, square, slack, neighbours)
                    own_floor = own_half - np.float32(0.5) * (limit[p] + row_slack)
                if row[j] - own_half >= floor[j]:
                    _push(q, p, row[j], distance, index, count, limit, square, slack, neighbours)
                    floor[j] = half[j] - np.float32(0.5) * (limit[q] + column_slack)


@numba.njit(nogil=True, cache=True)
def _any_near(products, half, floor, own_half, own_floor):  # type: ignore[no-untyped-def]
    """Without a branch, so that the compiler makes it wide."""
    near = np.int32(0)
    for j in range(products.size):
        near |= np.int32(products[j] - half[j] >= own_floor) | np.int32(products[j] - own_half >= floor[j])
    return near != 0


@numba.njit(nogil=True, cache=True)
def _push(p, q, product, distance, index, count, limit, square, slack, neighbours):  # type: ignore[no-untyped-def]
    """Put q on the list of p with its upper bound; a full list drops what cannot be among the k nearest."""
    room = distance.shape[1]
    if count[p] == room:
        _drop(distance[p], index[p], count, p, limit, slack, neighbours)
        if 4 * count[p] > 3 * room:  # nearly all within rounding of the k-th: give the row up
            limit[p], count[p] = -np.inf, room + 1
    if count[p] <= room:
        distance[p, count[p]] = square[p] + square[q] - np.float32(2) * product + slack[q]
        index[p, count[p]] = q
        count[p] += 1


@numba.njit(nogil=True, cache=True)
def _drop(distance, index, count, p, limit, slack, neighbours):  # type: ignore[no-untyped-def]
    """Set the limit of p to the k-th smallest upper bound and drop those whose lower bound lies above."""
    limit[p] = _smallest(distance[: count[p]].copy(), neighbours - 1) + np.float32(2) * slack[p]
    kept = 0
    for at in range(count[p]):
        if distance[at] - np.float32(2) * slack[index[at]] <= limit[p]:
            distance[kept], index[kept] = distance[at], index[at]
            kept += 1
    count[p] = kept


@numba.njit(nogil=True, cache=True)
def _smallest(values, rank):  # type: ignore[no-untyped-def]
    """The value of this rank from 0 (Hoare's selection; reorders `values`)."""
    low, high = 0, len(values) - 1
    while low < high:
        pivot, i, j = values[(low + high) // 2], low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i, j = i + 1, j - 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@numba.njit(nogil=True, cache=True)
def _decide(  # type: ignore[no-untyped-def]
    points, shuffled, start, stop, distance, index, count, limit, square, slack, neighbours, indices, complete
):
    """Rank what is on the lists of some points by exact distance and index."""
    for p in range(start, stop):
        original = shuffled[p]
        complete[original] = count[p] <= distance.shape[1]
        if not complete[original]:
            continue
        _drop(distance[p], index[p], count, p, limit, slack, neighbours)
        exact, names = np.empty(count[p]), np.empty(count[p], np.int64)
        for new in range(count[p]):
            name = shuffled[index[p, new]]
            square_distance = _square_distance(points[original], points[name])
            at = new
            while at > 0 and (exact[at - 1], names[at - 1]) > (square_distance, name):
                exact[at], names[at] = exact[at - 1], names[at - 1]
                at -= 1
            exact[at], names[at] = square_distance, name
        indices[original] = names[:neighbours]


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _square_distance(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(a.size):
        difference = np.float64(a[k]) - np.float64(b[k])
        total += difference * difference
    return total
