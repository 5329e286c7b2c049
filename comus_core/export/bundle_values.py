"""Checks of single values in a bundle's listing, which raise a `SettingsError` for another type or range."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from comus_core.settings import require

LONGEST_NAME, LONGEST_TEXT = 1_000, 100_000  # characters of a name or class, and of any other text
DEEPEST = 12  # levels of nesting in the result


def plain(value: Any, label: str, depth: int = 0) -> None:
    """Refuse values that are nested too deep, too long, or not finite."""
    require(depth <= DEEPEST, f"{label} is nested too deep")
    if isinstance(value, dict):
        for key, part in value.items():
            text(key, label, LONGEST_NAME)
            plain(part, label, depth + 1)
    elif isinstance(value, list):
        for part in value:
            plain(part, label, depth + 1)
    elif isinstance(value, str):
        text(value, label)
    elif isinstance(value, float):
        require(math.isfinite(value), f"{label} has a number that is not finite")
    elif isinstance(value, int):
        require(abs(value) < 2**63, f"{label} has a number that is too large")


def record(value: Any) -> dict[str, Any]:
    """An object of names and values; anything else is refused."""
    require(isinstance(value, dict), f"{str(value)[:40]!r} is not an object")
    return dict(value)


def text(value: Any, label: str, limit: int = LONGEST_TEXT) -> str:
    """A text of limited length; anything else is refused."""
    require(isinstance(value, str) and len(value) <= limit, f"{label} is not a text of at most {limit:,} characters")
    return str(value)


def require_among(values: Iterable[Any], valid: Any, label: str) -> None:
    """Refuse a value that is not among the valid ones."""
    unknown = next((v for v in values if v not in valid), None)
    shown = unknown if isinstance(unknown, int) else repr(str(unknown)[:100])
    require(unknown is None, f"{label} {shown} is not in the run")


def records(value: Any, label: str, fields: Iterable[str]) -> list[dict[str, Any]]:
    """A list of objects with these fields; anything else is refused."""
    require(isinstance(value, list), f"{label}: not a list")
    entries = [record(entry) for entry in value]
    for entry in entries:
        missing = sorted(set(fields) - set(entry), reverse=True)
        require(not missing, f"{label}: an entry has no {' and no '.join(missing)}")
    return entries


def texts(value: Any, label: str, limit: int | None = None) -> list[str]:
    """A list of names of limited length; anything else is refused."""
    require(isinstance(value, list) and (limit is None or len(value) <= limit), f"{label}: not a valid list")
    return [text(entry, label, LONGEST_NAME) for entry in value]


def non_negative_integer(value: Any, label: str) -> int:
    """An integer from 0; anything else is refused."""
    require(isinstance(value, int) and not isinstance(value, bool) and value >= 0, f"{label} is not a number from 0")
    return int(value)


def amount(value: Any, label: str) -> None:
    """Refuse anything but a number from 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    require(number and value >= 0, f"{label} {str(value)[:40]}: must be a number from 0")


def percent(value: Any, label: str) -> None:
    """Refuse anything but a number from 0 to 100."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    require(number and 0 <= value <= 100, f"{label} {str(value)[:40]}: must be a number from 0 to 100")


def truth_value(value: Any, label: str) -> None:
    """Refuse anything but true and false."""
    require(isinstance(value, bool), f"{label} is neither true nor false")
