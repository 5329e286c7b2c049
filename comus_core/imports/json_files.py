"""The JSON files of a source that are of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from comus_core.imports.records import Collected
from comus_core.imports.source import Source

LOOKED_AT = 20  # files, to recognise a format


def any_json(source: Source, fits: Callable[[Any], bool]) -> bool:
    """Whether one of the first JSON files is of a kind."""
    return any(fits(content) for _, content in islice(contents(source), LOOKED_AT))


def contents(source: Source, collected: Collected | None = None) -> Iterator[tuple[str, Any]]:
    """Name and value of each JSON file; one that cannot be read is listed as a problem."""
    for name in source.named(".json"):
        try:
            yield name, source.json(name)
        except ValueError as error:
            if collected is not None:
                collected.refuse(source.label(name), "", str(error))


def number(value: Any) -> float | None:
    """A number, also one written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and value == value and abs(value) < 1e9 else None


def size_of(height: Any, width: Any) -> tuple[int, int] | None:
    """Height and width in pixels; None where they are not both positive numbers."""
    numbers = number(height), number(width)
    if numbers[0] is None or numbers[1] is None or numbers[0] < 1 or numbers[1] < 1:
        return None
    return int(numbers[0]), int(numbers[1])
