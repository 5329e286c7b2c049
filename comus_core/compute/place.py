"""What `--compute` says: local, processes[:N] or ray[:ADDRESS]."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from comus_core.errors import SettingsError
from comus_core.machine.device import cpu_cores
from comus_core.machine.threads import thread_count
from comus_core.text import counted

WRITTEN = "local, processes[:N] or ray[:ADDRESS]"


@dataclass(frozen=True)
class ComputePlace:
    """Where shards are computed.

    Attributes:
        kind: this process, several of this machine, or workers of a Ray cluster.
        processes: how many processes; 0 of the others.
        address: of the cluster, HOST:PORT; empty for the one that runs on this machine, else one of its own.
    """

    kind: Literal["local", "processes", "ray"] = "local"
    processes: int = 0
    address: str = ""

    @property
    def text(self) -> str:
        """As `place_of` reads it."""
        return ":".join(filter(None, (self.kind, str(self.processes or "") or self.address)))


def place_words() -> dict[str, str]:
    """The places to choose from here, each in words; a cluster needs Ray."""
    places = {"local": "one process", "processes": f"one process for each of the {cpu_cores()} processors"}
    return places | ({"ray": "a Ray cluster"} if find_spec("ray") is not None else {})


def crowding(place: ComputePlace) -> str:
    """That the threads of all its processes are more than the cores here, and what to do; empty if they are not.

    Their number is not changed: sums in another order have other last bits, see `packing.thread_variables`.
    """
    threads, cores = thread_count(), cpu_cores()
    if place.processes < 2 or place.processes * threads <= cores:
        return ""
    return (
        f"compute {place.text}: {place.processes} processes of {counted(threads, 'thread')} each compete for "
        f"{counted(cores, 'core')}; OMP_NUM_THREADS={max(1, cores // place.processes)} gives each process its share, "
        "and may change the last bits of results"
    )


def place_of(text: str) -> ComputePlace:
    """Parse what `--compute` or COMUS_COMPUTE says; `processes` alone means one for each processor.

    Raises:
        SettingsError: it is none of the three.
    """
    kind, colon, rest = text.strip().partition(":")
    if kind == "local" and not colon:
        return ComputePlace()
    if kind == "processes" and (not colon or (rest.isdecimal() and int(rest) > 0)):
        return ComputePlace("processes", processes=int(rest) if rest else cpu_cores())
    if kind == "ray" and (not colon or rest):
        return ComputePlace("ray", address=rest)
    raise SettingsError(f"compute {text!r}: write {WRITTEN}, such as processes:4 or ray:10.0.0.1:6379")
