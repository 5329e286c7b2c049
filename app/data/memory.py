"""Memory that goes back to the machine: after a large read, and of sessions that have ended."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from typing import Any

from pyarrow import default_memory_pool, set_memory_pool, system_memory_pool

M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
TIDIED_EVERY = 60.0  # seconds between looks for what sessions have left
FEW = 5  # collections of new objects by Python since the last look: as few mean that no page was drawn
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


async def keep_tidy() -> None:
    """Look again and again for what sessions have left behind, where pages were drawn.

    Streamlit would do so after each run of a script, also of a fragment that looks at the jobs (`postScriptGC`): with
    many sessions the search of all that lives, while all others wait, would take longer than their pages.
    """
    looked = 0
    while True:
        await asyncio.sleep(TIDIED_EVERY)
        if _collections() > looked + FEW:
            await asyncio.to_thread(give_back)
            looked = _collections()


def give_back() -> None:
    """Release garbage, and what Arrow's pool and, on Linux, the C library's heaps hold unused: 100 MB a large run."""
    gc.collect()
    default_memory_pool().release_unused()
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _collections() -> int:
    return int(gc.get_stats()[0]["collections"])


def _c_library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
