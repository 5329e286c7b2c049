"""Who acts: the person behind what this thread does, who may change things or only look at them.

The app's server says who it is, and its jobs remember it. In a terminal and in Python everything is allowed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from comus_core.errors import NotAllowedError

Role = Literal["operator", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
VARIABLE = "COMUS_PERSON"  # a name: that of who submitted a job, for its process; or of who works in a terminal


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in.

    Attributes:
        name: as the login gave it, may be empty.
        role: `operator` may do everything; `viewer` may look at everything and change nothing.
    """

    name: str = ""
    role: Role = "operator"

    @property
    def shown(self) -> str:
        """The name, or the role of one without a name."""
        return self.name or self.role


STRANGER = Person("", "viewer")  # who has not logged in, where a server answers such people at all
_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_sources: list[Callable[[], Person | None]] = []


def add_source(source: Callable[[], Person | None]) -> None:
    """Ask `source` too who acts in a thread that was not told; None from it means that it does not know."""
    if source not in _sources:
        _sources.append(source)


@contextmanager
def acting_as(person: Person | None) -> Iterator[None]:
    """Within the block, this thread and the tasks that it starts act for that person."""
    before = _acting.set(person)
    try:
        yield
    finally:
        _acting.reset(before)


def acting() -> Person | None:
    """Who acts here, None where nobody is known: no server, or one without a login, and no name in `COMUS_PERSON`."""
    known = _acting.get()
    if known is None:
        known = next((person for source in _sources if (person := source()) is not None), None)
    name = os.environ.get(VARIABLE, "")
    return known if known is not None or not name else Person(name)


def may_change() -> bool:
    """Whether whoever acts here may change anything."""
    person = acting()
    return person is None or person.role == "operator"


def require_operator() -> None:
    """Raise `NotAllowedError` for a viewer."""
    if not may_change():
        raise NotAllowedError(
            "you are logged in as a viewer: you can look at everything and download it, but not change, start or "
            "delete anything; ask whoever runs this server for the operator's login"
        )
