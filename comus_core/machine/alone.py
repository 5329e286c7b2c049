"""Networks on images side by side, each image computed by one thread: 1 and 64 threads give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def each_alone(work: Callable[[T], U], values: Iterable[T]) -> list[U]:
    """`work` of each value, in order, as many at a time as torch has threads, each with one thread of torch.

    A small network is computed so with less work than when all threads share each layer of an image and wait for each
    other at its end. The first error is raised.
    """
    import torch

    count = torch.get_num_threads()
    if count == 1:
        return [work(value) for value in values]
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, values))
    finally:
        torch.set_num_threads(count)  # what threads begin with that are made later; this one's own was never changed
