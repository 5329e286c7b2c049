"""Words for people that more than one room needs."""

from __future__ import annotations

import math


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 proposal`, `2 proposals`, `1,200 categories`; `plural` where an s is not enough."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(count: float) -> str:
    """Bytes in words: 40 kB, 12 MB, 3.4 GB; few are not called none."""
    if count < 1e6:
        return f"{math.ceil(count / 1000)} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
