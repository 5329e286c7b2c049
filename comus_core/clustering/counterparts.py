"""Which category of one grouping became which of another, by the points that both hold."""

from __future__ import annotations

import numpy as np

from comus_core.types import IntArray


def counterparts(before: IntArray, after: IntArray, sizes: tuple[int, int]) -> tuple[IntArray, IntArray]:
    """One to one, so that as many points as can be are in the same category on both sides (Hungarian matching).

    Args:
        before: (n,) 0…b − 1, negative in none.
        after: (n,) of the same points, 0…a − 1, negative in none.
        sizes: b and a.

    Returns:
        (a,) int32 the category before of each category after, −1 for those left over where a > b; and (a,) int64 how
        many points the two share, perhaps none.
    """
    from scipy.optimize import linear_sum_assignment

    both = (before >= 0) & (after >= 0)
    shared = np.zeros(sizes[::-1], np.int64)
    np.add.at(shared, (after[both], before[both]), 1)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    number, points = np.full(sizes[1], -1, np.int32), np.zeros(sizes[1], np.int64)
    number[rows], points[rows] = columns, shared[rows, columns]
    return number, points
