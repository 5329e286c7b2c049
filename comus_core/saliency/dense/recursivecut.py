"""`recursivecut`: several objects an image by recursive two-way cuts of the dense features (Shi and Malik 2000)."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.saliency.dense.tokencut import TAU, tau_of
from comus_core.settings import to_dict
from comus_core.types import SoftMaps


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """Its settings, with the cosine of the encoder where none is set."""
    return to_dict(settings.recursivecut) | {"tau": tau_of(settings.recursivecut.tau, spec, TAU)}


def _method(features: DenseFeatures, settings: SaliencySettings, spec: EncoderSpec) -> SoftMaps:
    from comus_core.saliency.cuts.recursive_cut import recursive_cut

    return recursive_cut(features.cells, **chosen(settings, spec))


SPEC = dense_spec(
    "recursivecut",
    "Recursive cuts: several objects an image, by cutting an encoder's features in two again and again",
    _method,
    chosen,
    several=True,
    always=False,
)
