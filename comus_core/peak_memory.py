"""How much memory this process took at its peak while something was done, as the system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from comus_core.text import size

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"  # of proc(5): the peak is from now on what is taken now


class PeakMemory:
    """The peak while a block runs; one that runs within another takes the beginning from it.

    Attributes:
        bytes: in main memory, of this process alone; known when the block is left.
        at_most: whether it may be from before the block, since the system does not count anew.
    """

    bytes = 0
    at_most = False

    def __enter__(self) -> PeakMemory:
        self.at_most = not _counted_anew()
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = _peak()


def peak_words(count: int | None, at_most: bool = False) -> str:
    """`1.2 GB`, `at most 1.2 GB`; a dash where nothing was measured."""
    if count is None:
        return "–"
    return f"{'at most ' if at_most else ''}{size(count)}"


def _counted_anew() -> bool:
    try:
        RESET.write_text(FORGET_PEAK)
    except OSError:  # no Linux, or a container that keeps it closed
        return False
    return True


def _peak() -> int:
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
