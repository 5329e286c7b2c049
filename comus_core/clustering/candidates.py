"""Lists of what can still be among a point's k nearest: compiled loops over tiles of float32 products.

A list holds upper bounds of squared distances, from float32 products and a bound on their rounding error; in the end
float64 differences decide among what is left on it.
"""

from __future__ import annotations

import numba
import numpy as np

from comus_core.types import FloatArray, IntArray, Vectors

ROOM = 2  # candidates kept for a point, in multiples of k, before those that fell behind are dropped
STRIP = 16  # products looked at together


def empty_lists(count: int, neighbours: int) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """Lists for `count` points: upper bounds and indices (count, room), how many they hold, and their limits."""
    room = ROOM * neighbours + STRIP
    distance, index = np.empty((count, room), np.float32), np.empty((count, room), np.int32)
    return distance, index, np.zeros(count, np.int32), np.full(count, np.inf, np.float32)


@numba.njit(nogil=True, cache=True)
def keep_near(tile, first, second, both, distance, index, count, limit, square, slack, neighbours):  # type: ignore[no-untyped-def]
    """Put the pairs of a tile on the lists of its rows, and of its columns if `both`, where they are within the limit.

    p.q - |q|^2/2 >= (|p|^2 - limit of p)/2 says that q is near enough for p. Row i is point `first` + i, column j
    `second` + j, in `square` and `slack` and, as far as they have lists, in the lists.
    """
    rows, columns = tile.shape
    row_slack, column_slack = slack[second : second + columns].max(), slack[first : first + rows].max()
    half = np.float32(0.5) * square[second : second + columns]
    floor = np.full(columns, np.inf, np.float32)  # in a block's meeting with itself the rows see all
    if both:
        floor = half - np.float32(0.5) * (limit[second : second + columns] + column_slack)
    for i in range(rows):
        p, row = first + i, tile[i]
        own_half = np.float32(0.5) * square[p]
        own_floor = own_half - np.float32(0.5) * (limit[p] + row_slack)
        for start in range(0, columns, STRIP):
            strip = slice(start, start + STRIP)
            if not any_near(row[strip], half[strip], floor[strip], own_half, own_floor):
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
def any_near(products, half, floor, own_half, own_floor):  # type: ignore[no-untyped-def]
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
def decide(  # type: ignore[no-untyped-def]
    start,
    stop,
    queries,
    row_of,
    points,
    name_of,
    distance,
    index,
    count,
    limit,
    square,
    slack,
    neighbours,
    indices,
    squares,
    complete,
):
    """Rank what is on some lists by exact distance and index.

    List p is of the query `row_of[p]`, whose row it fills in `indices`, `complete` and, unless that is empty,
    `squares`; an entry q is the point `name_of[q]`.
    """
    for p in range(start, stop):
        query = row_of[p]
        complete[query] = count[p] <= distance.shape[1]
        if not complete[query]:
            continue
        _drop(distance[p], index[p], count, p, limit, slack, neighbours)
        exact, names = np.empty(count[p]), np.empty(count[p], np.int64)
        for new in range(count[p]):
            name = name_of[index[p, new]]
            square_distance = squared_distance(queries[query], points[name])
            at = new
            while at > 0 and (exact[at - 1], names[at - 1]) > (square_distance, name):
                exact[at], names[at] = exact[at - 1], names[at - 1]
                at -= 1
            exact[at], names[at] = square_distance, name
        indices[query] = names[:neighbours]
        if len(squares):
            squares[query] = exact[:neighbours]


@numba.njit(nogil=True, cache=True)
def squared_distance(a, b):  # type: ignore[no-untyped-def]
    """Of two rows, in float64: four sums in a fixed order, which no compiler changes, so that equals stay equal."""
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 4
    for k in range(0, whole, 4):
        d0 = np.float64(a[k]) - np.float64(b[k])
        d1 = np.float64(a[k + 1]) - np.float64(b[k + 1])
        d2 = np.float64(a[k + 2]) - np.float64(b[k + 2])
        d3 = np.float64(a[k + 3]) - np.float64(b[k + 3])
        one, two, three, four = one + d0 * d0, two + d1 * d1, three + d2 * d2, four + d3 * d3
    for k in range(whole, a.size):
        d0 = np.float64(a[k]) - np.float64(b[k])
        one += d0 * d0
    return (one + two) + (three + four)


@numba.njit(nogil=True, cache=True)
def _pairs(queries, points, rows, columns, squares):  # type: ignore[no-untyped-def]
    for at in range(rows.size):
        squares[at] = squared_distance(queries[rows[at]], points[columns[at]])


def pair_squares(queries: Vectors, points: Vectors, rows: IntArray, columns: IntArray) -> FloatArray:
    """(p,) squared distances of pairs of a query and a point, in the arithmetic of `decide`."""
    squares = np.empty(len(rows))
    _pairs(queries, points, rows, columns, squares)
    return squares
