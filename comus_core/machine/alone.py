"""Networks on images side by side, each computed by one thread: 1 and 64 threads give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Lock
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

_STARTING = Lock()


def torch_threads() -> int:
    """As many as torch has in this thread; not what it says for a moment while `lone_threads` begin."""
    import torch

    with _STARTING:
        return torch.get_num_threads()


def each_alone(work: Callable[[T], U], values: Sequence[T]) -> list[U]:
    """`work` of each value, in order, as many at a time as torch has threads, each with one thread of torch.

    A network takes less work so than when all threads share each layer and wait for each other at its end. The first
    error is raised.
    """
    if torch_threads() == 1:
        return [work(value) for value in values]
    with lone_threads(len(values)) as pool:
        return list(pool.map(work, values))


@contextmanager
def lone_threads(most: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of at most so many threads, and no more than torch has, in each of which torch has one."""
    import torch

    with _STARTING:
        count = torch.get_num_threads()
        size = max(1, min(count, most))
        ready = Barrier(size + 1)

        def begin() -> None:
            torch.get_num_threads()  # a thread takes the number of all when it first asks, also after setting its own
            torch.set_num_threads(1)  # of this thread, and what threads made later begin with
            ready.wait()

        pool = ThreadPoolExecutor(size, initializer=begin)
        try:
            for _ in range(size):
                pool.submit(int)  # each starts a thread, for those before wait
            ready.wait()
        except BaseException:
            ready.abort()
            raise
        finally:
            torch.set_num_threads(count)
    with pool:
        yield pool
