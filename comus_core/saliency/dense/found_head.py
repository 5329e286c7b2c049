"""`found-head`: FOUND's small head, trained on the images of the run (Siméoni et al., CVPR 2023)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.features.spec import EncoderSpec
from comus_core.saliency.dense import found
from comus_core.saliency.dense.detector import DenseFeatures, dense_spec, load_dense
from comus_core.saliency.spec import Detector, Learner
from comus_core.settings import to_dict
from comus_core.types import BoolMask, FloatArray, RgbImage, SoftMap

NAME = "found-head"


def chosen(settings: SaliencySettings, spec: EncoderSpec) -> dict[str, Any]:
    """The settings of the rule and of the training."""
    return found.chosen(settings, spec) | to_dict(settings.found_head)


def _fit(settings: SaliencySettings, device: str, images: Iterable[RgbImage], seed: int) -> Mapping[str, FloatArray]:
    from comus_core.saliency.dense.head_training import EdgeFilter, fit_head

    detector = load_dense(NAME, settings, device, found.rule, attends=True)
    cells, masks, filters = list[FloatArray](), list[BoolMask](), list[EdgeFilter]()
    for image in images:
        features = detector.features(image)
        cells.append(features.cells.astype(np.float16))
        masks.append(found.rule(features, settings, detector.spec) > 0.5)
        filters.append(EdgeFilter(image, masks[-1].shape))
    return fit_head(cells, masks, lambda k, mask: filters[k](mask), settings.found_head, seed)


def _load(settings: SaliencySettings, device: str, learned: Mapping[str, FloatArray]) -> Detector:
    def head(features: DenseFeatures, _: SaliencySettings, __: EncoderSpec) -> SoftMap:
        return head_map(features.cells, learned["weight"], learned["bias"])

    return load_dense(NAME, settings, device, head, attends=False)


def head_map(cells: FloatArray, weight: FloatArray, bias: FloatArray) -> SoftMap:
    """(h, w) float32: sigmoid(f · weight + bias) of (h, w, d) features."""
    return np.asarray(1 / (1 + np.exp(-(cells.astype(np.float64) @ weight + bias))), np.float32)


SPEC = dense_spec(
    NAME,
    "FOUND with its small head, which learns from the images of the run",
    found.rule,
    chosen,
    attends=True,
    always=False,
    rank=10,  # IoU on ECSSD: 80.5 over DINO, as published; docs/results.md has that of what comes with the program
    learner=Learner(
        images=lambda settings: settings.found_head.images,
        at_least=lambda settings: 2 * settings.dense.longer_side,
        version="1",
        fit=_fit,
        load=_load,
    ),
)
