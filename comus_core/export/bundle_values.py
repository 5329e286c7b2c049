"""Single values of a bundle's listing, each refused by a `SettingsError` where it is not of its kind or range."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from comus_core.settings import require

LONGEST_NAME, LONGEST_TEXT = 1_000, 100_000  # letters of a name or class, and of a note or any other text
DEEPEST = 12  # levels of what the result holds


def plain(value: Any, what: str, depth: int = 0) -> None:
    """Refuse what no result holds: nests of boxes, numbers that are none, texts without end."""
    require(depth <= DEEPEST, f"{what} is nested too deep")
    if isinstance(value, dict):
        for key, part in value.items():
            text(key, what, LONGEST_NAME)
            plain(part, what, depth + 1)
    elif isinstance(value, list):
        for part in value:
            plain(part, what, depth + 1)
    elif isinstance(value, str):
        text(value, what)
    elif isinstance(value, float):
        require(math.isfinite(value), f"{what} holds a number that is none")
    elif isinstance(value, int):
        require(abs(value) < 2**63, f"{what} holds a number without end")


def record(value: Any) -> dict[str, Any]:
    """A record of names and values; anything else is refused."""
    require(isinstance(value, dict), f"{str(value)[:40]!r} is no record")
    return dict(value)


def text(value: Any, what: str, most: int = LONGEST_TEXT) -> str:
    """A text of at most so many letters; anything else is refused."""
    require(isinstance(value, str) and len(value) <= most, f"{what} is no text of at most {most:,} letters")
    return str(value)


def require_among(values: Iterable[Any], known: Any, what: str) -> None:
    """Refuse a value that is none of the known."""
    stray = next((v for v in values if v not in known), None)
    shown = stray if isinstance(stray, int) else repr(str(stray)[:100])
    require(stray is None, f"{what} {shown} is none of the run's")


def records(value: Any, what: str, fields: Iterable[str]) -> list[dict[str, Any]]:
    """A list of records that all have these fields; anything else is refused."""
    require(isinstance(value, list), f"{what}: this is no list")
    found = [record(entry) for entry in value]
    for entry in found:
        lacking = sorted(set(fields) - set(entry), reverse=True)
        require(not lacking, f"{what}: an entry has no {' and no '.join(lacking)}")
    return found


def texts(value: Any, what: str, most: int | None = None) -> list[str]:
    """A list of names, at most so many; anything else is refused."""
    require(isinstance(value, list) and (most is None or len(value) <= most), f"{what}: this is no such list")
    return [text(entry, what, LONGEST_NAME) for entry in value]


def whole(value: Any, what: str) -> int:
    """A whole number from 0; anything else is refused."""
    require(isinstance(value, int) and not isinstance(value, bool) and value >= 0, f"{what} is odd")
    return int(value)


def amount(value: Any, what: str) -> None:
    """Refuse what is no number from 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    require(number and value >= 0, f"{what} {str(value)[:40]}: a number from 0")


def percent(value: Any, what: str) -> None:
    """Refuse what is no number from 0 to 100."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    require(number and 0 <= value <= 100, f"{what} {str(value)[:40]}: a number from 0 to 100")


def truth_value(value: Any, what: str) -> None:
    """Refuse what is neither true nor false."""
    require(isinstance(value, bool), f"{what} is neither true nor false")
