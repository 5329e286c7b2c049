"""How often each pair of values meets in two arrays: one pass over the pixels, exact. Loads numba."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from comus_core.types import IntArray


class OutOfRange(ValueError):
    """A value that has no row or no column: `side` 0 is the first array, 1 the second."""

    def __init__(self, side: int, value: int) -> None:
        super().__init__(value)
        self.side, self.value = side, value


def joint_counts(
    first: NDArray[Any], second: NDArray[Any], rows: int, columns: int, ignore: int | None = None
) -> IntArray:
    """(rows, columns) int64: at how many places `first` has the row's number and `second` the column's.

    One pass, in memory of the size of the result alone: no array as large as the images is made. Masks are long runs of
    equal pixels, so that a pair is looked up once a run. Other threads go on meanwhile.

    Args:
        first: integers of any shape, 0…rows−1.
        second: integers of the same shape, 0…columns−1 or `ignore`.
        rows: of the result.
        columns: of the result.
        ignore: places where `second` has this value are not counted, whatever `first` has there; None for none.

    Raises:
        ValueError: the arrays differ in shape.
        OutOfRange: a value that counts and is beyond the result.
    """
    if first.shape != second.shape:
        raise ValueError(f"arrays of shape {first.shape} and {second.shape}: they must be of one shape")
    table = np.zeros((rows, columns), np.int64)
    flat = np.ascontiguousarray(first).reshape(-1), np.ascontiguousarray(second).reshape(-1)
    wrong = int(_tally(*flat, ignore is not None, 0 if ignore is None else ignore, table))
    if wrong >= 0:
        values = int(flat[0][wrong]), int(flat[1][wrong])
        side = 1 if not 0 <= values[1] < columns else 0
        raise OutOfRange(side, values[side])
    return table


@numba.njit(nogil=True, cache=True)
def _tally(first, second, skips, ignore, table):  # type: ignore[no-untyped-def]
    """Add the pairs to the table; the place of one that has no cell, or −1."""
    rows, columns = table.shape
    start, end = 0, first.size
    while start < end:
        a, b = first[start], second[start]
        stop = start + 1
        while stop < end and first[stop] == a and second[stop] == b:
            stop += 1
        if not (skips and b == ignore):
            if a < 0 or a >= rows or b < 0 or b >= columns:
                return start
            table[a, b] += stop - start
        start = stop
    return -1
