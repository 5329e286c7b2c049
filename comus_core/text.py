"""Formatting of text for people."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 proposal`, `2 proposals`, `1,200 categories`; `plural` if it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def first_of(names: Sequence[str], limit: int = 5) -> str:
    """`a, b and 3 more`: at most `limit` names, and the number of the others."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def size(count: float) -> str:
    """A number of bytes as text: 40 kB, 12 MB, 3.4 GB; rounded up below 1 MB, so that it is never 0."""
    if count < 1e6:
        return f"{math.ceil(count / 1000)} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


BREAKS = ("Cc", "Zl", "Zp", "Cs")  # control characters, line and paragraph separators, surrogates


def one_line(text: str) -> str:
    """A name in one line: white space, line breaks and control characters become single spaces."""
    return " ".join("".join(" " if unicodedata.category(letter) in BREAKS else letter for letter in text).split())


def holds_breaks(text: str) -> bool:
    """Whether a text contains line breaks or control characters, which no name does."""
    return any(unicodedata.category(letter) in BREAKS for letter in text)


def duration(seconds: float) -> str:
    """Seconds in words that fit the size: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
