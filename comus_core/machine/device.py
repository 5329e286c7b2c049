"""The compute devices of this machine, and the choice among them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from comus_core.errors import SettingsError


@dataclass(frozen=True)
class Device:
    """A compute device: its `name` in settings, and a description."""

    name: str
    what: str


def cpu_cores() -> int:
    """The CPU cores available to this process, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_devices() -> list[Device]:
    """The devices of this machine, best first; the CPU comes last."""
    import torch

    devices = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            devices.append(Device(f"cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"))
    if torch.backends.mps.is_available():
        devices.append(Device("mps", "Apple GPU"))
    return [*devices, Device("cpu", f"{torch.get_num_threads()} threads")]


def choose_device(requested: str = "auto") -> str:
    """The device to use: `auto` is the best available, `cuda` the first GPU.

    Raises:
        SettingsError: this machine has no such device; lists the available ones.
    """
    if requested == "cpu":  # always available: no need to load torch
        return requested
    names = [device.name for device in describe_devices()]
    if requested == "auto":
        return names[0]
    matching = [name for name in names if name == requested or (requested == "cuda" and name.startswith("cuda:"))]
    if not matching:
        raise SettingsError(f"device '{requested}' is not available: choose one of {', '.join(names)}, or auto")
    return matching[0]
