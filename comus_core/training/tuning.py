"""What makes the whole process train faster on a CPU and changes no number."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Of glibc's malloc.h: freed memory beyond this is handed back, room asked for beyond a request, what is mapped apart.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
MIB = 2**20


@contextmanager
def kept_memory() -> Iterator[bool]:
    """Keep freed memory for the next step instead of asking the system anew, as long as the block lasts.

    A step's large tensors are otherwise mapped and filled with zeros by the kernel in every step. At the end what is
    free is handed back; the thresholds stay. Yields whether it applies: on Linux with glibc, elsewhere nothing happens.
    """
    libc = _glibc()
    if libc is None:
        yield False
        return
    # Older releases refuse more than 32 MiB.
    mapped = any(libc.mallopt(MMAP_THRESHOLD, size * MIB) for size in (1024, 32))
    kept = libc.mallopt(TRIM_THRESHOLD, 2**31 - 1) and libc.mallopt(TOP_PAD, 64 * MIB)
    try:
        yield bool(mapped and kept)
    finally:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") and hasattr(libc, "mallopt") else None
