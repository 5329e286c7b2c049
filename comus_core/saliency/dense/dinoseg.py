"""`dinoseg`: what the class token attends to (Caron et al., ICCV 2021)."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.settings import require, to_dict
from comus_core.types import SoftMap


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """Its settings.

    Raises:
        SettingsError: the encoder has no head of that number.
    """
    head, heads = settings.dinoseg.head, spec.heads or 1
    require(
        isinstance(head, str) or head < heads,
        f"saliency.dinoseg.head {head}: encoder '{spec.name}' has heads 0 to {heads - 1}; mean takes all",
    )
    return to_dict(settings.dinoseg)


def _method(features: DenseFeatures, settings: SaliencySettings, spec: EncoderSpec) -> SoftMap:
    from comus_core.saliency.cuts.attention_mass import attention_mass

    assert features.attention is not None
    return attention_mass(features.attention, **chosen(settings, spec))


SPEC = dense_spec("dinoseg", "the attention of DINO, or the activation of a CNN", _method, chosen, attends=True)
