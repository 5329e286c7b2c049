"""Pretrained files matched to their architecture name by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from comus_core.errors import WeightsError
from comus_core.text import first_of
from comus_core.weights.architectures import COUNTER
from comus_core.weights.registry import REGISTRY, WeightFile
from comus_core.weights.state_dicts import read_state_dict

if TYPE_CHECKING:
    from torch import Tensor, nn


def check_file(entry: WeightFile, file: Path, called: str) -> None:
    """Raise `WeightsError`, naming the file as `called`, unless `file` can be used as that entry's weights."""
    if entry.check is not None:
        entry.check(file, called)
    if entry.network is not None:
        fitted_state_dict(entry, read_state_dict(file, called), hollow_network(entry).state_dict(), called)


def hollow_network(entry: WeightFile) -> nn.Module:
    """The untrained network that the entry's state dict fits, without memory for its tensors: a strict load adds them.

    Raises:
        WeightsError: it is no state dict.
    """
    import torch

    if entry.network is None:
        dicts = ", ".join(name for name, file in REGISTRY.items() if file.network is not None)
        raise WeightsError(f"weights '{entry.name}' are no state dict: choose one of {dicts}")
    with torch.device("meta"):  # shapes without memory, and without the time a random start takes
        return entry.network()


def fitted_state_dict(
    entry: WeightFile, state: Mapping[str, Tensor], expected: Mapping[str, Tensor], called: str
) -> dict[str, Tensor]:
    """`state` under exactly the names of `expected`, ready for a strict load.

    Tensors are renamed as the entry says, and absent batch counters become zero. All else must agree by name and shape.

    Raises:
        WeightsError: lists missing, unexpected and wrongly shaped tensors, with counts.
    """
    import torch

    named = dict(entry.rename(state, expected, called) if entry.rename else state)
    for key, tensor in expected.items():
        if key.endswith(COUNTER) and key not in named:
            named[key] = torch.zeros(tensor.shape, dtype=tensor.dtype)
    _refuse_misfit(entry.name, named, expected, called)
    return named


def _refuse_misfit(name: str, named: Mapping[str, Tensor], expected: Mapping[str, Tensor], called: str) -> None:
    shapes = [
        f"{k} is {tuple(named[k].shape)}, not {tuple(v.shape)}"
        for k, v in expected.items()
        if k in named and named[k].shape != v.shape
    ]
    faults = {
        "missing": [k for k in expected if k not in named],
        "unexpected": [k for k in named if k not in expected],
        "of another shape": shapes,
    }
    report = "; ".join(f"{len(keys)} {fault}: {first_of(keys)}" for fault, keys in faults.items() if keys)
    if report:
        raise WeightsError(f"{called} does not fit '{name}' ({len(expected)} tensors): {report}")
