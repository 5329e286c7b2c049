"""Pretrained weights: source, licence, supervision, download and import."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comus_core.weights.checks import read_state_dict
    from comus_core.weights.download import download_weights, network_reachable
    from comus_core.weights.loading import load_network
    from comus_core.weights.registry import REGISTRY, SUPERVISION_ORDER, Supervision, WeightFile, strongest
    from comus_core.weights.store import (
        file_sha256,
        import_weights,
        is_available,
        locate,
        weights_folder,
        weights_table,
    )

_MODULE_OF = {
    "load_network": "loading",
    "read_state_dict": "checks",
    "download_weights": "download",
    "network_reachable": "download",
    "REGISTRY": "registry",
    "SUPERVISION_ORDER": "registry",
    "Supervision": "registry",
    "WeightFile": "registry",
    "strongest": "registry",
    "file_sha256": "store",
    "import_weights": "store",
    "is_available": "store",
    "locate": "store",
    "weights_folder": "store",
    "weights_table": "store",
}

__all__ = [
    "REGISTRY",
    "SUPERVISION_ORDER",
    "Supervision",
    "WeightFile",
    "download_weights",
    "file_sha256",
    "import_weights",
    "is_available",
    "load_network",
    "locate",
    "network_reachable",
    "read_state_dict",
    "strongest",
    "weights_folder",
    "weights_table",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
