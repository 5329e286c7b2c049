"""Encoders by name: from a crop of an image to one raw vector. Importing this loads no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comus_core.features.crops import crop_box, enlarged_box, preprocess
    from comus_core.features.encoders import ENCODERS, encoder_fingerprint, encoder_spec, load_encoder, own_vectors
    from comus_core.features.features_file import read_features_file
    from comus_core.features.spec import Encoder, EncoderSpec

_MODULE_OF = {
    "ENCODERS": "encoders",
    "Encoder": "spec",
    "EncoderSpec": "spec",
    "crop_box": "crops",
    "enlarged_box": "crops",
    "encoder_fingerprint": "encoders",
    "encoder_spec": "encoders",
    "load_encoder": "encoders",
    "own_vectors": "encoders",
    "preprocess": "crops",
    "read_features_file": "features_file",
}

__all__ = [
    "ENCODERS",
    "Encoder",
    "EncoderSpec",
    "crop_box",
    "encoder_fingerprint",
    "encoder_spec",
    "enlarged_box",
    "load_encoder",
    "own_vectors",
    "preprocess",
    "read_features_file",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
