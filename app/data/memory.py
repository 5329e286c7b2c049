"""Memory that goes back to the machine after a large read, which allocators otherwise keep for the next one."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from pyarrow import default_memory_pool, set_memory_pool, system_memory_pool

M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
LARGE = 512 * 1024  # bytes; what is larger is mapped by itself and gone once freed, a small picture is not


def use_one_heap() -> None:
    """Let Arrow allocate from the C library, and that give large arrays back at once: some 40 MiB less at rest.

    Left alone, Arrow's own allocator keeps what was freed, and glibc raises its threshold to the first large array
    that is freed, after which all of them come from heaps that holes keep from shrinking.
    """
    set_memory_pool(system_memory_pool())
    set_option = getattr(_c_library(), "mallopt", None)  # glibc's; musl has none
    if set_option is not None:
        set_option(M_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Release what Arrow's pool and, on Linux, the C library's heaps hold without using it: some 100 MB a large run."""
    default_memory_pool().release_unused()
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _c_library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
