"""How an image is brought to the size at which a network sees it. No torch: packages of a network do the same."""

from __future__ import annotations

import numpy as np
from PIL import Image

from comus_core.training.settings import PredictionSettings
from comus_core.types import RgbImage

STRIDE = 16  # sides of an input are multiples of it
LEAST = 2 * STRIDE  # pixels of a side


def input_size(image: RgbImage, settings: PredictionSettings) -> tuple[int, int]:
    """Height and width at which the network sees an image."""
    if settings.resize == "squash":
        return settings.size, settings.size
    height, width = image.shape[:2]
    scale = settings.size / max(height, width)
    return multiple(height * scale), multiple(width * scale)


def multiple(side: float) -> int:
    """The nearest side that a network can see."""
    return max(LEAST, round(side / STRIDE) * STRIDE)


def resized(image: RgbImage, size_hw: tuple[int, int]) -> RgbImage:
    """(H, W, 3) -> (h, w, 3) uint8, bilinear over all pixels that fall together.

    Pillow's integer arithmetic gives the same on every machine; torchvision's depends on the processor.
    """
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size_hw[::-1], Image.Resampling.BILINEAR))
