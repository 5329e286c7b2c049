"""Row blocks and images in threads, with results that do not depend on the number of threads.

Every one is computed by one thread with one-threaded BLAS, and sums over blocks are taken in the order of the rows:
1 and 64 threads give the same bytes, and threads of BLAS and of a compiled loop never wait for each other.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from comus_core.machine.device import cpu_cores

T = TypeVar("T")
U = TypeVar("U")
LOOK_EVERY = 0.5  # seconds between two calls of what is to be called meanwhile
ROWS_AT_ONCE = 8192  # of one block: fixed, so that sums over blocks are always the same


def thread_count() -> int:
    """OMP_NUM_THREADS, else the number of processors of this process."""
    variable = os.environ.get("OMP_NUM_THREADS", "")
    if variable.isdecimal() and int(variable) > 0:
        return int(variable)
    return cpu_cores()


class Threads:
    """A context in which BLAS has one thread and `map` has `count`."""

    def __init__(self) -> None:
        self.count = thread_count()

    def __enter__(self) -> Threads:
        self._limits = threadpool_limits(1)
        self._pool = ThreadPoolExecutor(self.count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._limits.restore_original_limits()

    def map(self, work: Callable[[T], U], values: Iterable[T]) -> list[U]:
        """`work` of each value, in order; the first error is raised."""
        return list(self._pool.map(work, values))

    def map_heeding(self, work: Callable[[T], U], values: Iterable[T], heed: Callable[[], object]) -> list[U]:
        """As `map`; meanwhile `heed` is called in this thread, and what it raises is raised at once.

        `work` that has begun then goes on, and the context waits for it: let it look whether it is still wanted.
        """
        futures = [self._pool.submit(work, value) for value in values]
        while wait(futures, LOOK_EVERY, FIRST_EXCEPTION).not_done:
            for future in futures:
                if future.done():
                    future.result()
            heed()
        return [future.result() for future in futures]

    def each(self, work: Callable[[T], U], values: Iterable[T]) -> Iterator[U]:
        """`work` of each value, in order and one after the other, so that only a few results wait at any time."""
        waiting: deque[Future[U]] = deque()
        for value in values:
            waiting.append(self._pool.submit(work, value))
            if len(waiting) > 2 * self.count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def made_ahead(
    values: Iterator[T],
    thread: Callable[[], AbstractContextManager[ThreadPoolExecutor]] = lambda: ThreadPoolExecutor(1),
) -> Iterator[Iterator[T]]:
    """The values of an iterator, in order, the next of them made in a thread while one is used.

    The iterator is at rest when the block is left, and its first error is raised where its value is wanted. `thread`
    makes a pool of one thread.
    """
    end = object()
    with thread() as pool:

        def each() -> Iterator[T]:
            future = pool.submit(next, values, end)
            while (value := future.result()) is not end:
                future = pool.submit(next, values, end)
                yield value  # type: ignore[misc]

        yield each()


def row_blocks(n: int, size: int | None = None) -> list[slice]:
    """Slices of at most `size` (8192) rows that cover 0 to n."""
    size = size or ROWS_AT_ONCE
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
