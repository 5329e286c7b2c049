"""Where tensors live: the device a user asked for, checked against what this machine has."""

from __future__ import annotations

from dataclasses import dataclass

from comus_core.errors import SettingsError


@dataclass(frozen=True)
class Device:
    """One compute device: `name` as settings write it, and what it is."""

    name: str
    what: str


def describe_devices() -> list[Device]:
    """The devices of this machine, best first; the CPU is always the last."""
    import torch

    found = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            known = torch.cuda.get_device_properties(index)
            found.append(Device(f"cuda:{index}", f"{known.name}, {known.total_memory / 2**30:.0f} GiB"))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    return [*found, Device("cpu", f"{torch.get_num_threads()} threads")]


def choose_device(wanted: str = "auto") -> str:
    """The device to use: `auto` is the best there is, `cuda` the first of its kind.

    Raises:
        SettingsError: this machine has no such device; lists those it has.
    """
    if wanted == "cpu":  # always there: no need to load torch to ask
        return wanted
    names = [device.name for device in describe_devices()]
    if wanted == "auto":
        return names[0]
    matching = [name for name in names if name == wanted or (wanted == "cuda" and name.startswith("cuda:"))]
    if not matching:
        raise SettingsError(f"device '{wanted}': this machine has {', '.join(names)}; choose one of them, or auto")
    return matching[0]
