"""A network with its weights from this machine, loaded strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comus_core.weights.checks import fitted_state_dict, hollow_network
from comus_core.weights.state_dicts import read_state_dict
from comus_core.weights.store import locate, registry_entry

if TYPE_CHECKING:
    from torch import nn


def load_network(name: str) -> nn.Module:
    """The network of `name` with its weights from this machine, in eval mode on the CPU, gradients off.

    Raises:
        WeightsError: the file is missing, damaged or does not fit.
    """
    entry, path = registry_entry(name), locate(name)
    if entry.check is not None:  # a file that was laid into the folder by hand went through no import
        entry.check(path, str(path))
    network = hollow_network(entry)
    state = fitted_state_dict(entry, read_state_dict(path), network.state_dict(), str(path))
    network.load_state_dict(state, assign=True)
    return network.float().eval().requires_grad_(False)
