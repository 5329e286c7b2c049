"""Loops compiled by Numba when they are first called, and kept on disk for the next process where that can be."""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(function: Any) -> Any:
    """The function as machine code that other threads run beside.

    Numba keeps it beside the source file or in the user's cache; where neither can be written, it compiles again.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # "no locator available"
        return njit(nogil=True)(function)
