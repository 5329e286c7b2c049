"""Files of tensors by name, read safely."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comus_core.errors import WeightsError
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.text import first_of

if TYPE_CHECKING:
    from torch import Tensor

_WRAPPERS = ("teacher", "state_dict", "net", "model")  # DINO's and BASNet's checkpoints nest the tensors under these
_PREFIXES = ("module.", "backbone.")


def read_state_dict(path: Path, called: str | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, unwrapped and without `module.` or `backbone.` before the names.

    Nothing but tensors and plain values is ever unpickled. Errors call the file `called`.

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


def _named_tensors(content: Any, called: str) -> dict[str, Tensor]:
    import torch

    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{called} holds no state dict: expected tensors by name, found {type(content).__name__}")
    odd = [key for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise WeightsError(f"{called} holds more than tensors by name: {first_of(odd)}; give a bare state dict")
    return {_bare(str(key)): value for key, value in content.items()}


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
        pass_on_memory_fault(error, path)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise WeightsError(f"{called} cannot be read as weights: {reason}") from None


def _bare(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.split(".", 1)[1]
    return key
