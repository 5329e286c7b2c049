"""A network with its weights from this machine, loaded strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comus_core.weights.architectures import hollow_network
from comus_core.weights.checks import fitted_state_dict, read_state_dict
from comus_core.weights.store import locate

if TYPE_CHECKING:
    from torch import nn


def load_network(name: str) -> nn.Module:
    """The network of `name` with its weights from this machine, in eval mode on the CPU, gradients off.

    Raises:
        WeightsError: the file is missing, damaged or does not fit.
    """
    path = locate(name)
    network = hollow_network(name)
    state = fitted_state_dict(name, read_state_dict(path), network.state_dict(), str(path))
    network.load_state_dict(state, assign=True)
    return network.float().eval().requires_grad_(False)
