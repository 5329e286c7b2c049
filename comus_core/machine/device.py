"""The compute devices of this machine, and the choice among them."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from comus_core.errors import SettingsError

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Device:
    """A compute device: its `name` in settings, and a description."""

    name: str
    what: str


def cpu_cores() -> int:
    """The CPU cores available to this process, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device_model(device: str) -> str:
    """What computes, by its maker's name: the same in every container of the same machine, unlike the host's name."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    try:
        lines = CPUINFO.read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part"))]
    except OSError:  # not Linux
        names = []
    return " ".join(filter(None, (platform.machine(), *(names[:1] or [platform.processor()]))))


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
