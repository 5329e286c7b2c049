"""`dsm`: the first eigenvector of Deep Spectral Methods (Melas-Kyriazi et al., CVPR 2022)."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.settings import to_dict
from comus_core.types import SoftMap


def chosen(settings: SaliencySettings, _: EncoderSpec) -> dict[str, Any]:
    """Its settings."""
    return to_dict(settings.dsm)


def _method(features: DenseFeatures, settings: SaliencySettings, _: EncoderSpec) -> SoftMap:
    from comus_core.saliency.cuts.spectral import spectral_map

    return spectral_map(features.cells, settings.dsm.floor)


SPEC = dense_spec("dsm", "Deep Spectral Methods: an eigenvector of an encoder's features", _method, chosen)
