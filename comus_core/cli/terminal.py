"""What a terminal or file that the output goes to can hold: some know no letter beyond English ones."""

from __future__ import annotations

import io
import sys

LETTERS = "ä█…−"  # one of each kind that output is made of


def prepare() -> None:
    """Let a letter that the output cannot hold be written as its number instead of ending the command halfway."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def can_print(text: str) -> bool:
    """Whether standard output has all these letters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def bar(length: int) -> str:
    """A bar of so many letters."""
    return ("█" if can_print("█") else "#") * length


def mark() -> str:
    """What points at a line from its right."""
    return " ◀" if can_print("◀") else " <"
