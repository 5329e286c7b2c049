"""`found`: what is unlike the least attended patch (Siméoni et al., CVPR 2023), without a trained head."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.types import SoftMap

TAU, TAU_WITHOUT_ATTENTION = 0.3, 0.2  # FOUND's own for DINO; see `background_seed.unlikeness` for the other


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """Its settings, with the cosine that suits the encoder where none is set."""
    otherwise = TAU if spec.has_attention else TAU_WITHOUT_ATTENTION
    return {"tau": otherwise if settings.found.tau is None else settings.found.tau}


def rule(features: DenseFeatures, settings: SaliencySettings, spec: EncoderSpec) -> SoftMap:
    """FOUND's object without training."""
    from comus_core.saliency.cuts.background_seed import background_seed, unlikeness

    assert features.attention is not None
    attention = features.attention if spec.has_attention else unlikeness(features.cells)
    return background_seed(features.cells, attention, **chosen(settings, spec), by_head=features.by_head)


SPEC = dense_spec("found", "FOUND: all that is unlike the background's seed", rule, chosen, attends=True, always=False)
