"""The peak memory of this process during a block, as the system measures it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from comus_core.text import size

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"  # proc(5): reset the peak to the current use


class PeakMemory:
    """The peak while a block runs; a nested one resets the peak of the outer one.

    Attributes:
        bytes: in main memory, of this process alone; set when the block ends.
        at_most: whether the peak may be from before the block, since the system cannot reset it.
    """

    bytes = 0
    at_most = False

    def __enter__(self) -> PeakMemory:
        self.at_most = not _reset_peak()
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = _peak()


def peak_words(count: int | None, at_most: bool = False) -> str:
    """`1.2 GB` or `at most 1.2 GB`; a dash if nothing was measured."""
    if count is None:
        return "–"
    return f"{'at most ' if at_most else ''}{size(count)}"


def _reset_peak() -> bool:
    try:
        RESET.write_text(FORGET_PEAK)
    except OSError:  # not Linux, or a container without access
        return False
    return True


def _peak() -> int:
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
