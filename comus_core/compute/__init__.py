"""Where stages over images run: this process, several, or a Ray cluster. Every one of them gives the same bytes."""

from comus_core.compute.current import VARIABLE, computing, current
from comus_core.compute.place import ComputePlace, place_of

__all__ = ["VARIABLE", "ComputePlace", "computing", "current", "place_of"]
