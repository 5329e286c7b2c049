"""`whole-image`: everything is salient: the proposal is the image itself, for images that each show one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.saliency.spec import DetectorSpec, ItemCost
from comus_core.types import ImageId, RgbImage, SoftMap
from comus_core.weights.registry import UNSUPERVISED

NAME = "whole-image"


@dataclass(frozen=True)
class WholeImage:
    """A detector that takes all of an image for the object."""

    name: str = NAME
    weights_sha256: dict[str, str] = field(default_factory=dict)
    batch_size: int = 64
    at_least: int = 1  # the image is not looked at

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """(1, 1) each, of 1."""
        return [np.ones((1, 1), np.float32) for _ in images]


def load(settings: SaliencySettings, device: str) -> WholeImage:
    """The detector."""
    return WholeImage()


SPEC = DetectorSpec(
    NAME,
    "the whole image as one proposal, for images that each show one class",
    load,
    supervision=UNSUPERVISED,
    always=True,
    version="1",
    cost=lambda _: ItemCost(NAME, 0.0),
)
