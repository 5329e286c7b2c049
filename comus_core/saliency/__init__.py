"""Saliency: soft maps from a detector chosen by name, then proposals.

Names load lazily, so that the interface can read `DETECTORS` and find proposals without torch or ONNX Runtime.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comus_core.saliency.detectors import (
        DETECTORS,
        detector_fingerprint,
        detector_spec,
        load_detector,
    )
    from comus_core.saliency.soft_maps import dequantise, from_png, quantise, to_png
    from comus_core.saliency.spec import Detector, DetectorIdentity, DetectorSpec
    from comus_core.saliency.thresholding import find_proposals, masks_from_soft_map

_MODULES = {
    "detectors": (
        "DETECTORS",
        "detector_fingerprint",
        "detector_spec",
        "load_detector",
    ),
    "spec": ("Detector", "DetectorIdentity", "DetectorSpec"),
    "soft_maps": ("dequantise", "from_png", "quantise", "to_png"),
    "thresholding": ("find_proposals", "masks_from_soft_map"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "DETECTORS",
    "Detector",
    "DetectorIdentity",
    "DetectorSpec",
    "dequantise",
    "detector_fingerprint",
    "detector_spec",
    "find_proposals",
    "from_png",
    "load_detector",
    "masks_from_soft_map",
    "quantise",
    "to_png",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
