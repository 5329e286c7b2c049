"""How many crops a network computes at once: its own number, more on a GPU, fewer where memory is short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

PLENTY = 4 * 2**30  # bytes free that no batch of an encoder's own size comes near
SHARE = 4  # a batch takes at most a fourth of the memory: the rest is for weights, images and others
TOGETHER = 4  # items that a thread of the CPU sees at once, whatever the batch: their number decides last bits
MOST_ON_GPU = 64  # images of a unit of a stage: with one proposal in each, a larger batch would never be full
MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")  # of a container: `memory.max`, `memory.current` and `memory.stat`


def fitting_batch(own: int, room: int, bytes_each: int) -> int:
    """`own` items, halved until they take at most a fourth of `room` bytes; at least one."""
    while own > 1 and own * bytes_each * SHARE > room:
        own //= 2
    return own


def batch_on(device: str, own: int, bytes_each: Callable[[], int], threads: int = 1) -> int:
    """How many items a network computes at once.

    On the CPU full groups of four, at least its own number and one group a thread; fewer groups where memory is so
    short that the process would be killed otherwise. A thread sees a group at a time, so the batch decides no bytes. A
    GPU takes up to 64, by the memory that it has, not by what is free: so the same GPU gives the same bytes. Other
    devices take the network's own number.

    Args:
        device: "cpu", "cuda", "cuda:N" or "mps".
        own: the network's own number.
        bytes_each: measures what an item takes; asked only where it matters.
        threads: of the CPU that compute.
    """
    if device.startswith("cuda"):
        return fitting_batch(max(own, MOST_ON_GPU), gpu_memory(device), bytes_each())
    if device != "cpu":
        return own
    groups, room = max(-(-own // TOGETHER), threads), free_memory()
    if room is not None and room < PLENTY:
        groups = fitting_batch(groups, room, TOGETHER * bytes_each())
    return groups * TOGETHER


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
    """What is left of a container's limit; files that it read lately are counted as used, but make room at once."""
    try:
        most, now = (int((GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        return max(0, most - now + _of_files())
    except (OSError, ValueError):  # no such group, or no limit ("max")
        return None


def _of_files() -> int:
    try:
        lines = (GROUP / "memory.stat").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, StopIteration, ValueError):
        return 0
