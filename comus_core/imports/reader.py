"""What a reader of a format is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from comus_core.imports.records import ReadFile
from comus_core.imports.source import Source


@dataclass(frozen=True)
class ReaderSpec:
    """A format that comes back in: all that the program has to know of it.

    Attributes:
        name: as in `--format`.
        what: one line for people.
        recognises: whether a source seems to be of this format, from its names and first bytes.
        read: the records; what cannot be used becomes a problem, and raises only if nothing can.
    """

    name: str
    what: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source], ReadFile]

    @property
    def written(self) -> str:
        """How a setting names it."""
        return self.name
