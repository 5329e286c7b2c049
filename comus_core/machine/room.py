"""Whether memory can be had, asked before somebody asks who cannot bear to be refused."""

from __future__ import annotations

import mmap

BLAS_BUFFER = 2**25 + 2**16  # bytes in which one thread of OpenBLAS computes
SIDE = 64  # of a matrix that is large enough for it to need them


def has_room(size: int) -> bool:
    """Whether so many bytes can be allocated now; they are not touched."""
    try:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return False
    return True


def hold_blas_buffers() -> None:
    """Let OpenBLAS, NumPy's and SciPy's, allocate the buffers that it keeps from then on.

    Refused one, whenever it first needs it, OpenBLAS would ask again for ever (`blas_memory_alloc`).

    Raises:
        MemoryError: there is no room for them.
    """
    import numpy as np
    from scipy.linalg import eigh

    from comus_core.machine.threads import thread_count

    if not has_room((2 + thread_count()) * BLAS_BUFFER):
        raise MemoryError("no room for the buffers of BLAS")
    matrix = np.ones((SIDE, SIDE)) + np.eye(SIDE)
    np.linalg.eigh(matrix)
    eigh(matrix)
