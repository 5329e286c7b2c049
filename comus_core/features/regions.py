"""What describes a region of an image: the vector of its crop, or the mean of the image's cells under its mask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from comus_core.config import FeatureSettings
from comus_core.features.crops import crop_box
from comus_core.features.spec import Encoder
from comus_core.proposals.resizing import BAND_PIXELS
from comus_core.types import BoolMask, FloatArray, IntArray, RgbImage, Vectors

Box = Sequence[int] | IntArray
Encode = Callable[[Sequence[RgbImage]], Vectors]


class Regions(Protocol):
    """One image whose regions can be described."""

    def vectors(self, boxes: Sequence[Box], masks: Iterable[BoolMask] | None = None) -> Vectors:
        """(n, d) float32 of n regions.

        Args:
            boxes: x0, y0, x1, y1 in pixels of the image, end exclusive.
            masks: (h, w) each, of the whole image at any size, not empty; None: the boxes are full.
        """


Describe = Callable[[RgbImage], Regions]


@dataclass(frozen=True)
class Crops:
    """Regions by the crops of their boxes, whatever their masks."""

    encode: Encode
    image: RgbImage

    def vectors(self, boxes: Sequence[Box], masks: Iterable[BoolMask] | None = None) -> Vectors:
        """See `Regions`."""
        return self.encode([crop_box(self.image, box) for box in boxes])


@dataclass(frozen=True)
class Pooled:
    """Regions by the mean of the cells under their masks, all from one pass over the image.

    Attributes:
        cells: (h, w, d), the encoder's dense map of the image.
        size_hw: height and width of the image.
    """

    cells: FloatArray
    size_hw: tuple[int, int]

    def vectors(self, boxes: Sequence[Box], masks: Iterable[BoolMask] | None = None) -> Vectors:
        """See `Regions`."""
        grid = (self.cells.shape[0], self.cells.shape[1])
        if masks is None:
            weights = [box_weights(box, self.size_hw, grid) for box in boxes]
        else:
            weights = [cell_weights(mask, grid) for mask in masks]
        return np.stack([mean_of_cells(self.cells, each) for each in weights])


def describer(encoder: Encoder, settings: FeatureSettings) -> Describe:
    """What describes the regions of any image, in the way that the settings say."""

    def pooled(image: RgbImage) -> Regions:
        [cells] = encoder.dense([image], settings.longer_side, "tokens")
        return Pooled(cells, (image.shape[0], image.shape[1]))

    return pooled if settings.pool == "mask" else lambda image: Crops(encoder.encode, image)


def mean_of_cells(cells: FloatArray, weights: FloatArray) -> FloatArray:
    """(d,) float32, the mean of (h, w, d) cells with (h, w) weights that are not all zero, summed in float64."""
    total = np.tensordot(weights, cells.astype(np.float64), axes=2)
    return np.asarray(total / weights.sum(), np.float32)


def cell_weights(mask: BoolMask, grid_hw: tuple[int, int]) -> FloatArray:
    """(h, w) float64: the area of a mask within each cell of a grid over its image, in pixels of the mask.

    The grid divides the image evenly, so a pixel may lie in several cells, in each by the share of its area there.
    """
    rows, columns = (_overlaps(size, cells) for size, cells in zip(mask.shape, grid_hw, strict=True))
    band = max(1, BAND_PIXELS // mask.shape[1])  # a large mask is never held as floats
    starts = range(0, mask.shape[0], band)
    in_rows = sum(rows[:, start : start + band] @ mask[start : start + band].astype(np.float64) for start in starts)
    return np.asarray((columns @ np.asarray(in_rows).T).T)


def box_weights(box: Box, size_hw: tuple[int, int], grid_hw: tuple[int, int]) -> FloatArray:
    """The same of the mask that is a full box of an image of this size."""
    x0, y0, x1, y1 = (int(v) for v in box)
    sides = []
    for (start, end), size, cells in zip(((y0, y1), (x0, x1)), size_hw, grid_hw, strict=True):
        inside = np.zeros(size)
        inside[start:end] = 1
        sides.append(_overlaps(size, cells) @ inside)
    return np.outer(*sides)


def _overlaps(pixels: int, cells: int) -> csr_array:
    """(cells, pixels): the length that each cell of a side has in common with each pixel, in pixels."""
    edges = np.union1d(np.arange(pixels + 1) * cells, np.arange(cells + 1) * pixels)  # in units of 1 / cells of a pixel
    start, length = edges[:-1], np.diff(edges) / cells
    return csr_array((length, (start // pixels, start // cells)), shape=(cells, pixels))
