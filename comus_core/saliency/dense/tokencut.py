"""`tokencut`: one normalised cut of the dense features, without saliency weights (Wang et al., CVPR 2022)."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.settings import to_dict
from comus_core.types import SoftMap

TAU = 0.2  # for DINO's vision transformers; cosines are distributed differently in every encoder


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """Its settings, with the cosine of the encoder where none is set."""
    return to_dict(settings.tokencut) | {"tau": tau_of(settings.tokencut.tau, spec, TAU)}


def tau_of(given: float | None, spec: EncoderSpec, otherwise: float) -> float:
    """The cosine above which two cells are joined: as set, as measured for the encoder, or the method's own."""
    if given is not None:
        return given
    return spec.cut_tau if spec.cut_tau is not None else otherwise


def _method(features: DenseFeatures, settings: SaliencySettings, spec: EncoderSpec) -> SoftMap:
    from comus_core.saliency.cuts.token_cut import token_cut

    return token_cut(features.cells, **chosen(settings, spec))


SPEC = dense_spec("tokencut", "TokenCut: the normalised cut of an encoder's features", _method, chosen)
