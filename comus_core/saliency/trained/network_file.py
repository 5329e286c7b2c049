"""A detector's network as a file: safetensors in half precision, with what it is in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comus_core.errors import SettingsError, WeightsError
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.weights.registry import Supervision

if TYPE_CHECKING:
    from torch import Tensor

    from comus_core.saliency.trained.network import SaliencyNetwork

FORMAT = "comus-saliency-1"
STRIDE = 32  # sides of the network's input are multiples of it


def write_network(path: Path, weights: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write the weights by name, floating-point ones in half precision; `facts` (JSON) say where they come from."""
    from safetensors.torch import save_file

    halved = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    text = json.dumps(dict(facts), sort_keys=True, ensure_ascii=False)
    save_file(halved, path, {FORMAT: text})  # one entry: the library writes several in any order


def network_facts(path: Path) -> dict[str, Any]:
    """What the file says of itself: the `facts` it was written with, `supervision` as an object.

    Raises:
        WeightsError: it is no file that `write_network` wrote.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file; `comus saliency train` makes one") from None
    except Exception as error:  # whatever a damaged file makes the reader raise
        pass_on_memory_fault(error, path)
        raise WeightsError(f"{path} cannot be read as a detector: {error}") from None
    if FORMAT not in metadata:
        raise WeightsError(f"{path} is not a detector that `comus saliency train` wrote")
    try:
        facts: dict[str, Any] = json.loads(metadata[FORMAT])
        side, stated = facts["side"], Supervision(**facts["supervision"])
    except (ValueError, TypeError, KeyError, SettingsError) as error:
        raise WeightsError(f"{path}: what it says of itself cannot be read ({error}); train it again") from None
    if not isinstance(side, int) or side < STRIDE or side % STRIDE:
        raise WeightsError(f"{path}: its side is {side!r}, not a multiple of {STRIDE} pixels; train it again")
    return facts | {"supervision": stated}


def read_network(path: Path, device: str) -> SaliencyNetwork:
    """The network of such a file in eval mode, in single precision.

    Raises:
        WeightsError: it is no file that `write_network` wrote, or its tensors do not fit.
    """
    import torch
    from safetensors.torch import load_file

    from comus_core.saliency.trained.network import SaliencyNetwork

    network_facts(path)
    network = SaliencyNetwork()
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        pass_on_memory_fault(error, path)
        raise WeightsError(f"{path} does not fit this version's network: {str(error).splitlines()[0]}") from None
    network = network.to(memory_format=torch.channels_last).to(device)
    return network.eval().requires_grad_(False)
