"""The place at which stages of this process compute now; like the device it is no part of any result."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from comus_core.compute.place import ComputePlace, crowding, place_of
from comus_core.workspace.shards import Spread, write_here

if TYPE_CHECKING:
    from comus_core.compute.crew import Crew

VARIABLE = "COMUS_COMPUTE"  # what `--compute` is where nothing says it

_spread: ContextVar[Spread] = ContextVar("spread", default=write_here)


def current() -> Spread:
    """What makes the shards of a stage that begins now."""
    return _spread.get()


@contextmanager
def computing(compute: str | None = None) -> Iterator[None]:
    """Within the block, stages over images run at this place: local, processes[:N] or ray[:ADDRESS].

    The workers start with the first stage that needs them and end with the block. None is what the variable
    COMUS_COMPUTE says, else what holds around the block.

    Raises:
        SettingsError: another text, or Ray is not installed.
    """
    text = compute or os.environ.get(VARIABLE)
    if not text:
        yield
        return
    place = place_of(text)
    if place.kind == "local":
        spread, close = write_here, _nothing
    else:
        from comus_core.compute.dispatch import Dispatcher

        if warning := crowding(place):
            print(warning, file=sys.stderr, flush=True)
        dispatcher = Dispatcher(_crew(place))
        spread, close = dispatcher.spread, dispatcher.close
    token = _spread.set(spread)
    try:
        yield
    finally:
        _spread.reset(token)
        close()


def _crew(place: ComputePlace) -> Crew:
    if place.kind == "processes":
        from comus_core.compute.processes import Processes

        return Processes(place.processes)
    from comus_core.compute.ray_workers import RayWorkers

    return RayWorkers(place.address)


def _nothing() -> None:
    pass
