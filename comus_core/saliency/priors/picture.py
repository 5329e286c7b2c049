"""An image as the priors look at it: at the working size, in Lab and in superpixels, each computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comus_core.config.formulas import PriorSettings
from comus_core.types import FloatArray, RgbImage, SoftMap

if TYPE_CHECKING:
    from comus_core.saliency.priors.superpixels import Superpixels

# Two colours nearer than this in Lab are alike to a person (Mahy et al. 1994). The formulas stretch whatever contrast
# there is to 0…1: below it they would call the noise of an empty wall an object.
LEAST_CONTRAST = 2.3
CELLS = 16  # a side; colours are averaged over each before they are compared: noise is no contrast


@dataclass(frozen=True, eq=False)
class Picture:
    """An image at the working size.

    `image` is (h, w, 3) uint8 RGB; superpixels are kept by their number and compactness.
    """

    image: RgbImage
    settings: PriorSettings
    _superpixels: dict[tuple[int, float], Superpixels] = field(default_factory=dict)

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """(h, w, 3) CIE Lab: L in 0…100."""
        return _lab(self.image)

    @cached_property
    def plain(self) -> bool:
        """Whether nobody would see a difference between any two of its parts."""
        height, width = self.image.shape[:2]
        size = min(width, CELLS), min(height, CELLS)
        cells = _lab(np.asarray(Image.fromarray(self.image).resize(size, Image.Resampling.BOX)))
        return bool(np.linalg.norm(np.ptp(cells, axis=(0, 1))) < LEAST_CONTRAST)

    def superpixels(self, count: int, compactness: float) -> Superpixels:
        """About `count` superpixels: see `superpixels.find_superpixels`."""
        from comus_core.saliency.priors.superpixels import find_superpixels  # scikit-image is loaded where it is needed

        key = (count, compactness)
        if key not in self._superpixels:
            found = find_superpixels(self.image, self.lab, count, compactness, self.settings.iterations)
            self._superpixels[key] = found
        return self._superpixels[key]


def picture_of(image: RgbImage, settings: PriorSettings) -> Picture:
    """An (H, W, 3) uint8 image of any size at the working size, its aspect ratio kept."""
    height, width = image.shape[:2]
    scale = settings.side / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    return Picture(np.ascontiguousarray(image), settings)


def scaled(values: FloatArray) -> SoftMap:
    """Values stretched to 0…1, float32; all zero where they are all the same."""
    low, high = values.min(), values.max()
    if not high > low:
        return np.zeros(values.shape, np.float32)
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def _lab(image: RgbImage) -> NDArray[np.float32]:
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(image.astype(np.float32) / np.float32(255)), np.float32)
