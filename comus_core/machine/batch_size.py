"""How many crops a network computes at once: its own number, more on a GPU, fewer where memory is short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

PLENTY = 4 * 2**30  # bytes free that no batch of an encoder's own size comes near
SHARE = 4  # a batch takes at most a fourth of the memory: the rest is for weights, images and others
MOST_ON_GPU = 128
MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")  # of a container: `memory.max` and `memory.current`


def fitting_batch(own: int, room: int, bytes_each: int) -> int:
    """`own` items, halved until they take at most a fourth of `room` bytes; at least one."""
    while own > 1 and own * bytes_each * SHARE > room:
        own //= 2
    return own


def batch_on(device: str, own: int, bytes_each: Callable[[], int]) -> int:
    """How many items a network computes at once.

    On the CPU its own number, of which each thread sees four at once: more are no faster, and would give other last
    bits in bfloat16. It is halved only where memory is so short that the process would be killed otherwise. A GPU takes
    up to 128, by the memory that it has, not by what is free: so the same GPU gives the same bytes.

    Args:
        device: "cpu", "cuda", "cuda:N" or "mps".
        own: the network's own number.
        bytes_each: measures what an item takes; asked only where it matters.
    """
    if device.startswith("cuda"):
        return fitting_batch(max(own, MOST_ON_GPU), gpu_memory(device), bytes_each())
    room = free_memory()
    return own if room is None or room >= PLENTY else fitting_batch(own, room, bytes_each())


def gpu_memory(device: str) -> int:
    """Bytes of memory of a GPU, free or not."""
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory)


def free_memory() -> int | None:
    """Bytes of main memory that can still be had, also within a container's limit; None where nothing says it."""
    rooms = [room for room in (_of_machine(), _of_group()) if room is not None]
    return min(rooms, default=None)


def _of_machine() -> int | None:
    try:
        lines = MEMINFO.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):  # not Linux
        return None


def _of_group() -> int | None:
    try:
        most, now = ((GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(0, int(most) - int(now))
    except (OSError, ValueError):  # no such group, or no limit ("max")
        return None
