"""`lost`: what correlates with the patch least like the others (Siméoni et al., BMVC 2021)."""

from __future__ import annotations

from typing import Any

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec
from comus_core.settings import to_dict
from comus_core.types import SoftMap

CELLS = 31 * 24  # of a VOC image, 500 × 375 pixels, at the stride of 16 for which LOST takes 100 patches


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """Its settings, with the default of the encoder for `centred` where that is not set.

    The features of a convolutional network have a common part, which makes nearly all products positive. Mean IoU of
    EfficientNet-Lite0 on two sets of 21 images of ECSSD without it: 33 and 32, as they are: 22 and 27.
    """
    centred = settings.lost.centred
    return to_dict(settings.lost) | {"centred": not spec.has_attention if centred is None else centred}


def patches(settings: SaliencySettings, cells: int) -> int:
    """How many patches of low degree may join the seed, of so many."""
    k = settings.lost.k
    return max(1, round(k * cells / CELLS)) if settings.lost.scaled else k


def _method(features: DenseFeatures, settings: SaliencySettings, spec: EncoderSpec) -> SoftMap:
    from comus_core.saliency.cuts.seed_expansion import seed_expansion

    cells = features.cells
    height, width = cells.shape[:2]
    if chosen(settings, spec)["centred"]:
        cells = cells - cells.mean(axis=(0, 1))
    return seed_expansion(cells, patches(settings, height * width))


SPEC = dense_spec("lost", "LOST: seed expansion in an encoder's features", _method, chosen)
