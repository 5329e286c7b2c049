"""Words for people that more than one room needs."""

from __future__ import annotations

import math
import unicodedata


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 proposal`, `2 proposals`, `1,200 categories`; `plural` where an s is not enough."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(count: float) -> str:
    """Bytes in words: 40 kB, 12 MB, 3.4 GB; few are not called none."""
    if count < 1e6:
        return f"{math.ceil(count / 1000)} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


BREAKS = ("Cc", "Zl", "Zp", "Cs")  # control characters, ends of lines and paragraphs, halves of characters


def one_line(text: str) -> str:
    """A name as it is kept: each stretch of white space, line breaks and control characters is one space."""
    return " ".join("".join(" " if unicodedata.category(letter) in BREAKS else letter for letter in text).split())


def holds_breaks(text: str) -> bool:
    """Whether a text holds line breaks or control characters, which no name does."""
    return any(unicodedata.category(letter) in BREAKS for letter in text)
