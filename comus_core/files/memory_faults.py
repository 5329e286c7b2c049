"""Faults that say that memory ran out, told from all others: no file is to blame for them, and nothing is to be kept.

Python raises `MemoryError`; native code raises what it likes, so that its words decide.
"""

from __future__ import annotations

import errno
from pathlib import Path

from comus_core.errors import ComusError
from comus_core.machine.room import has_room

OUT_OF_MEMORY = "out of memory: use fewer images, a smaller encoder, or a machine with more memory"
NO_THREAD = "can't start new thread"
AT_HAND = 2**26  # bytes to be had before a file is blamed, beside those that it needs
SIGNS = (
    NO_THREAD,
    "bad_alloc",  # C++: torch, ONNX Runtime
    "bad allocation",
    "allocate memory",  # torch's DefaultCPUAllocator; the system's "Cannot allocate memory"
    "failed to map segment",  # a library that is loaded
    "out of memory",  # CUDA, SQLite
    "not enough memory",
)


def lacks_memory(error: BaseException) -> bool:
    """Whether the error says that memory ran out; an expected error says so itself and does not count."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    words = str(error).lower()
    return isinstance(error, Exception) and not isinstance(error, ComusError) and any(sign in words for sign in SIGNS)


def pass_on_memory_fault(error: BaseException, path: Path) -> None:
    """Raise it again if memory ran out: for handlers that would blame a file for whatever its reader raises.

    Where there is room for several times the file, it is damaged and asks for an absurd amount.
    """
    if lacks_memory(error) and not has_room(AT_HAND + 4 * (path.stat().st_size if path.is_file() else 0)):
        raise error
