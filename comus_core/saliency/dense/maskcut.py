"""`maskcut`: several objects an image by repeated cuts of the dense features (Wang et al., CVPR 2023)."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.saliency.dense.tokencut import tau_of
from comus_core.settings import to_dict
from comus_core.types import SoftMaps

TAU = 0.15  # of its demonstration, for DINO's vision transformers


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """Its settings, with the cosine of the encoder where none is set."""
    return to_dict(settings.maskcut) | {"tau": tau_of(settings.maskcut.tau, spec, TAU)}


def _method(features: DenseFeatures, settings: SaliencySettings, spec: EncoderSpec) -> SoftMaps:
    from comus_core.saliency.cuts.mask_cut import mask_cut

    return mask_cut(features.cells, **chosen(settings, spec))


SPEC = dense_spec(
    "maskcut",
    "MaskCut: several objects an image, by repeated cuts of an encoder's features",
    _method,
    chosen,
    several=True,
)
