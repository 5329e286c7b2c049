"""Exact nearest neighbours of points among themselves: every product of two points serves both of them.

Blocks of points meet each other once, as in a round-robin tournament: all meetings of a round are of different blocks
and run side by side. A meeting is one float32 matrix product; a compiled loop passes over it once and keeps, for the
rows and for the columns, what can still be among a point's k nearest. Float64 differences decide at the end.
"""

from __future__ import annotations

from threading import local
from typing import Any

import numpy as np

from comus_core.clustering.candidates import decide, empty_lists, keep_near
from comus_core.clustering.search_points import SearchPoints
from comus_core.machine.threads import Threads, row_blocks
from comus_core.types import BoolMask, FloatArray, IntArray, Vectors

BLOCK = 1024  # points of a block: a tile of products stays in the cache


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
    n, known = len(points), SearchPoints.of(points)
    state = (*empty_lists(n, neighbours), known.square, known.slack, neighbours)
    found = (np.empty((n, neighbours), np.int32), np.empty((0, 0)), np.empty(n, np.bool_))
    with Threads() as threads:
        blocks = row_blocks(n, _block_size(n, threads.count))
        space = local()

        def meet(pair: tuple[int, int]) -> None:
            a, b = (blocks[p] for p in pair)
            tile = tile_of(space, a.stop - a.start, b.stop - b.start)
            np.matmul(known.centred[a], known.centred[b].T, out=tile)
            keep_near(tile, a.start, b.start, a != b, *state)

        for meetings in _rounds(len(blocks)):
            threads.map(meet, meetings)
        names = (points, known.order, points, known.order)
        threads.map(lambda rows: decide(rows.start, rows.stop, *names, *state, *found), row_blocks(n, 512))
    return found[0], found[2]


def _block_size(n: int, threads: int) -> int:
    """So that every thread has work in each round, and the last block is as large as the others."""
    count = max(2 * threads, -(-n // BLOCK))
    return -(-n // (count + count % 2))


def tile_of(space: Any, rows: int, columns: int) -> FloatArray:
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
