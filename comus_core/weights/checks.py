"""Pretrained files looked into: read safely, and matched to their architecture name by name."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comus_core.errors import WeightsError
from comus_core.weights.architectures import COUNTER
from comus_core.weights.registry import REGISTRY, WeightFile

if TYPE_CHECKING:
    from torch import Tensor, nn

_WRAPPERS = ("teacher", "state_dict", "net", "model")  # DINO's and BASNet's checkpoints nest the tensors under these
_PREFIXES = ("module.", "backbone.")
_SHOWN = 5  # names a report lists before it only counts


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


def read_state_dict(path: Path, called: str | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, unwrapped and without `module.` or `backbone.` before the names.

    Args:
        path: `.safetensors`, or a PyTorch file; nothing but tensors and plain values is ever unpickled.
        called: how errors name the file.

    Raises:
        WeightsError: the file cannot be read, or holds no tensors by name.
    """
    content = _read(path, called or str(path))
    while isinstance(content, Mapping):
        inner = next((content[k] for k in _WRAPPERS if isinstance(content.get(k), Mapping)), None)
        if inner is None:
            break
        content = inner
    return _named_tensors(content, called or str(path))


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


def _named_tensors(content: Any, called: str) -> dict[str, Tensor]:
    import torch

    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{called} holds no state dict: expected tensors by name, found {type(content).__name__}")
    odd = [key for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise WeightsError(f"{called} holds more than tensors by name: {_listing(odd)}; give a bare state dict")
    return {_bare(str(key)): value for key, value in content.items()}


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
    report = "; ".join(f"{len(keys)} {fault}: {_listing(keys)}" for fault, keys in faults.items() if keys)
    if report:
        raise WeightsError(f"{called} does not fit '{name}' ({len(expected)} tensors): {report}")


def _read(path: Path, called: str) -> Any:
    import torch

    try:
        with path.open("rb") as stream:
            if stream.read(64).lstrip().lower().startswith((b"<!doctype", b"<html")):
                raise WeightsError(f"{called} is a web page, not weights: download the file itself")
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]):  # DINO's full checkpoints keep their options
            return torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except pickle.UnpicklingError:  # torch's own words advise an unsafe way of loading
        raise WeightsError(f"{called} cannot be read as weights: it is no file of tensors; fetch it again") from None
    except Exception as error:  # whatever a damaged archive makes the readers raise
        raise WeightsError(f"{called} cannot be read as weights: {_first_line(error)}") from None


def _bare(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.split(".", 1)[1]
    return key


def _listing(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
