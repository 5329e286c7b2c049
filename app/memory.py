"""Memory given back to the machine after a large read, which allocators otherwise keep for the next one."""

from __future__ import annotations

import ctypes
import sys

from pyarrow import default_memory_pool, set_memory_pool, system_memory_pool


def use_one_heap() -> None:
    """Let Arrow allocate from the C library's heaps: its own allocator keeps some 30 MiB more of what was freed."""
    set_memory_pool(system_memory_pool())


def give_back() -> None:
    """Release what Arrow's pool and, on Linux, the C library's heaps hold without using it: some 100 MB a large run."""
    default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl has none
        if trim is not None:
            trim(0)
