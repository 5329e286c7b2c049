"""Work over blocks of points, each by itself: in this process, or wherever the caller has it done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from comus_core.machine.threads import row_blocks

BLOCK_ROWS = 4096  # points of a block: fixed, so that a block is the same wherever it is made

Arrays = Mapping[str, Any]  # what every block needs: arrays by name, in memory or memory-mapped
Columns = dict[str, Any]  # name -> (points of the block,) or (points of the block, width)
Heed = Callable[[], None]  # called every moment in a long block: raises where it is to be given up
BlockWork = Callable[[Arrays, slice, Heed], Columns]  # a function of a module, or a `partial` of one


class Blocks(Protocol):
    """Has the blocks of some points made."""

    @property
    def workers(self) -> bool:
        """Whether others than this process make them."""
        ...

    def __call__(self, name: str, work: BlockWork, arrays: Arrays, count: int) -> Columns:
        """The columns of all `count` points: what `work` gives for the slices of `block_slices`; `name` says of what.

        Nothing in `arrays` may be changed by `work`.
        """
        ...


class _Here:
    """See `Blocks`: one block after the other in this process."""

    workers = False

    def __call__(self, name: str, work: BlockWork, arrays: Arrays, count: int) -> Columns:
        """See `Blocks`."""
        return joined((work(arrays, rows, heed_nothing) for rows in block_slices(count)), count)


HERE: Blocks = _Here()


def heed_nothing() -> None:
    """See `Heed`: never raises."""


def block_slices(count: int) -> list[slice]:
    """The blocks of so many points."""
    return row_blocks(count, BLOCK_ROWS)


def joined(parts: Iterable[Columns], count: int) -> Columns:
    """The columns of blocks one below the other; `count` is of all rows, so that no block is held twice."""
    whole: Columns = {}
    start = 0
    for part in parts:
        stop = start + len(next(iter(part.values())))
        for name, values in part.items():
            if name not in whole:
                whole[name] = np.empty((count, *values.shape[1:]), values.dtype)
            whole[name][start:stop] = values
        start = stop
    return whole
