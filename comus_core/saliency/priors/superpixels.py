"""Superpixels of an image (SLIC, Achanta et al. 2012), their colours and places, and which of them touch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import slic

from comus_core.types import BoolMask, FloatArray, IntArray, RgbImage, SoftMap


@dataclass(frozen=True, eq=False)
class Superpixels:
    """The n superpixels of one image.

    Attributes:
        labels: (h, w) int 0…n − 1.
        pixels: (n,) pixels of each.
        lab: (n, 3) mean CIE Lab.
        rgb: (n, 3) mean RGB in 0…1.
        centre: (n, 2) mean y and x in shares of the image's height and width.
        border: (n,) bool, those with a pixel on the border of the image.
        touching: (n, n) bool, symmetric: pairs with pixels side by side or corner to corner; none touches itself.
    """

    labels: IntArray
    pixels: IntArray
    lab: FloatArray
    rgb: FloatArray
    centre: FloatArray
    border: NDArray[np.bool_]
    touching: NDArray[np.bool_]

    @cached_property
    def colour_distance(self) -> NDArray[np.float64]:
        """(n, n) Euclidean distance of the mean colours in Lab."""
        return distances(self.lab)

    @cached_property
    def linked(self) -> NDArray[np.bool_]:
        """(n, n) bool: touching, touching the same one, or both on the border of the image; none with itself."""
        near = self.touching.astype(np.float32)
        linked = self.touching | (near @ near > 0) | np.outer(self.border, self.border)
        np.fill_diagonal(linked, False)
        return linked

    def spread(self, values: FloatArray) -> SoftMap:
        """(n,) values, one a superpixel, on the (h, w) pixels."""
        return np.asarray(values, np.float32)[self.labels]


def find_superpixels(
    image: RgbImage, lab: NDArray[np.float32], count: int, compactness: float, iterations: int
) -> Superpixels:
    """About `count` superpixels of an image; as many as it has pixels where those are fewer.

    Args:
        image: (h, w, 3) uint8 RGB.
        lab: (h, w, 3) the same in CIE Lab.
        count: how many there should be.
        compactness: how much the distance in the image counts against that of colours in Lab (m of the paper).
        iterations: of SLIC.
    """
    labels = _labels(lab, count, compactness, iterations)
    height, width = labels.shape
    flat = labels.ravel()
    pixels = np.bincount(flat)

    def mean(plane: FloatArray) -> FloatArray:
        return np.bincount(flat, plane.ravel()) / pixels

    y, x = np.mgrid[:height, :width]
    border = np.zeros(len(pixels), bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        border[side] = True
    return Superpixels(
        labels,
        pixels,
        np.stack([mean(lab[..., c]) for c in range(3)], 1),
        np.stack([mean(image[..., c]) for c in range(3)], 1) / 255,
        np.stack([mean((y + 0.5) / height), mean((x + 0.5) / width)], 1),
        border,
        _touching(labels, len(pixels)),
    )


def distances(points: FloatArray) -> NDArray[np.float64]:
    """(n, n) Euclidean distances of (n, d) points."""
    points = points.astype(np.float64)
    squares = (points**2).sum(axis=1)
    found = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0))
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def _labels(lab: NDArray[np.float32], count: int, compactness: float, iterations: int) -> IntArray:
    height, width = lab.shape[:2]
    if height * width <= count:
        return np.arange(height * width).reshape(height, width)
    # scikit-image stretches its input to 0…1 first: the compactness is given in the same units.
    stretched = float(np.ptp(lab)) or 1.0
    found = slic(
        lab, count, compactness / stretched, max_num_iter=iterations, convert2lab=False, start_label=0, channel_axis=-1
    )
    used = np.bincount(found.ravel()) > 0
    return np.asarray((np.cumsum(used) - 1)[found])


def _touching(labels: IntArray, count: int) -> BoolMask:
    touching = np.zeros((count, count), bool)
    pairs = (
        (labels[:, :-1], labels[:, 1:]),
        (labels[:-1], labels[1:]),
        (labels[:-1, :-1], labels[1:, 1:]),
        (labels[:-1, 1:], labels[1:, :-1]),
    )
    for one, other in pairs:
        touching[one.ravel(), other.ravel()] = True
    touching |= touching.T
    np.fill_diagonal(touching, False)
    return touching
