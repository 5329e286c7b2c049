"""Pretrained files looked into: read safely, and matched to their architecture name by name."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comus_core.errors import WeightsError
from comus_core.weights.architectures import hollow_network

if TYPE_CHECKING:
    from torch import Tensor

_WRAPPERS = ("teacher", "state_dict", "net", "model")  # DINO's and BASNet's checkpoints nest the tensors under these
_PREFIXES = ("module.", "backbone.")
_COUNTER = "num_batches_tracked"  # absent from older files, unused outside training
_SHOWN = 5  # names a report lists before it only counts


def check_file(name: str, file: Path, called: str) -> None:
    """Raise `WeightsError`, naming the file as `called`, unless `file` loads as the weights of `name`."""
    if name == "u2netp":
        _check_onnx(file, called)
        return
    fitted_state_dict(name, read_state_dict(file, called), hollow_network(name).state_dict(), called)


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
    name: str, state: Mapping[str, Tensor], expected: Mapping[str, Tensor], called: str
) -> dict[str, Tensor]:
    """`state` under exactly the names of `expected`, ready for a strict load.

    DINO's projection head is dropped; absent batch counters become zero; EfficientNet-Lite0's tensors, published
    under other names, are taken in order. Everything else must agree by name and shape.

    Raises:
        WeightsError: lists missing, unexpected and wrongly shaped tensors, with counts.
    """
    import torch

    given = dict(state)
    if name.startswith("dino-"):
        given = {k: v for k, v in given.items() if not k.startswith(("head.", "fc."))}
    elif name == "efficientnet-lite0" and "conv_stem.weight" not in given:
        given = _renamed_in_order(given, list(expected), called)
    for key, tensor in expected.items():
        if key.endswith(_COUNTER) and key not in given:
            given[key] = torch.zeros(tensor.shape, dtype=tensor.dtype)
    _refuse_misfit(name, given, expected, called)
    return given


def _named_tensors(content: Any, called: str) -> dict[str, Tensor]:
    import torch

    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{called} holds no state dict: expected tensors by name, found {type(content).__name__}")
    odd = [key for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise WeightsError(f"{called} holds more than tensors by name: {_listing(odd)}; give a bare state dict")
    return {_bare(str(key)): value for key, value in content.items()}


def _refuse_misfit(name: str, given: Mapping[str, Tensor], expected: Mapping[str, Tensor], called: str) -> None:
    shapes = [
        f"{k} is {tuple(given[k].shape)}, not {tuple(v.shape)}"
        for k, v in expected.items()
        if k in given and given[k].shape != v.shape
    ]
    faults = {
        "missing": [k for k in expected if k not in given],
        "unexpected": [k for k in given if k not in expected],
        "of another shape": shapes,
    }
    report = "; ".join(f"{len(keys)} {fault}: {_listing(keys)}" for fault, keys in faults.items() if keys)
    if report:
        raise WeightsError(f"{called} does not fit '{name}' ({len(expected)} tensors): {report}")


def _renamed_in_order(given: Mapping[str, Tensor], names: Sequence[str], called: str) -> dict[str, Tensor]:
    tensors = [value for key, value in given.items() if not key.endswith(_COUNTER)]
    wanted = [key for key in names if not key.endswith(_COUNTER)]
    if len(tensors) != len(wanted):
        raise WeightsError(
            f"{called} does not fit 'efficientnet-lite0': {len(tensors)} tensors without batch counters, "
            f"{len(wanted)} are needed, in the order of the layers"
        )
    return dict(zip(wanted, tensors, strict=True))


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


def _check_onnx(file: Path, called: str) -> None:
    try:
        import onnxruntime
    except ImportError:
        raise WeightsError("weights 'u2netp' need ONNX Runtime: pip install onnxruntime") from None
    try:
        session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class but this
        raise WeightsError(f"{called} cannot be read as an ONNX model: {_first_line(error)}") from None
    shapes = [tuple(i.shape[-3:]) for i in session.get_inputs()], tuple(session.get_outputs()[0].shape[-2:])
    if shapes != ([(3, 320, 320)], (320, 320)):
        raise WeightsError(
            f"{called} does not fit 'u2netp': one input (3, 320, 320) and a map (320, 320) are needed, "
            f"it has {shapes[0]} and {shapes[1]}"
        )


def _bare(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.split(".", 1)[1]
    return key


def _listing(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
