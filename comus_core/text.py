"""Words for people that more than one room needs."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 proposal`, `2 proposals`, `1,200 categories`; `plural` where an s is not enough."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
