"""The best detector or encoder whose weights are on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from comus_core.weights.store import is_available


class Ranked(Protocol):
    """A part that `auto` may choose."""

    @property
    def name(self) -> str:
        """Its name in settings."""
        ...

    @property
    def weights(self) -> str | None:
        """Name of its weights in the registry, or None."""
        ...

    @property
    def rank(self) -> int | None:
        """The lowest is the best; None is never chosen."""
        ...


def ranked(parts: Iterable[Ranked]) -> list[str]:
    """Names of the parts that `auto` chooses from, the best first."""
    chosen = [(part.rank, part.name) for part in parts if part.rank is not None]
    return [name for _, name in sorted(chosen)]


def best_here(parts: Iterable[Ranked]) -> str | None:
    """Name of the best part whose weights are on this machine, or None."""
    by_name = {part.name: part for part in parts}

    def is_here(name: str) -> bool:
        weights = by_name[name].weights
        return weights is None or is_available(weights)

    return next(filter(is_here, ranked(by_name.values())), None)
