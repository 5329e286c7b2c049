"""Everything that a killed training needs to go on as if nothing had happened, in one file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from comus_core.files.atomic import replacing
from comus_core.files.memory_faults import pass_on_memory_fault

FILE = "checkpoint.pt"


@dataclass
class State:
    """Where a round stands after `step` steps.

    Attributes:
        history: a record of each step: step, loss, rate, images_per_second.
        parts: micro-batches that a batch is cut into, more than 1 after memory ran out.
        notes: what a person should know of the way here, such as memory that ran out.
        averaged: the moving average of the weights by name; empty without one.
    """

    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    parts: int = 1
    notes: list[str] = field(default_factory=list)
    averaged: dict[str, Tensor] = field(default_factory=dict)


def save(folder: Path, state: State, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Replace the checkpoint, all or nothing.

    Raises:
        WorkspaceError: the disk is full; the older checkpoint stays.
    """
    content: dict[str, Any] = {
        "state": {k: v for k, v in asdict(state).items() if k != "averaged"},
        "averaged": state.averaged,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "rng": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        content["cuda_rng"] = torch.cuda.get_rng_state_all()
    with replacing(folder / FILE) as temporary:
        torch.save(content, temporary)


def load(
    folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, device: str, warn: Callable[[str], None]
) -> State:
    """Put network, optimiser and random numbers back to where the checkpoint stands; a fresh state without one."""
    path = folder / FILE
    if not path.exists():
        return State()
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # whatever a damaged file makes the reader raise
        pass_on_memory_fault(error, path)  # the checkpoint stays for the next attempt
        warn(f"{path} cannot be read ({type(error).__name__}); this round starts anew")
        return State()
    network.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    torch.set_rng_state(content["rng"].cpu())
    if torch.cuda.is_available() and "cuda_rng" in content:
        torch.cuda.set_rng_state_all([state.cpu() for state in content["cuda_rng"]])
    return State(**content["state"], averaged=content["averaged"])
