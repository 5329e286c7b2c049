"""Maps and shares whose borders follow the photograph's edges: the guided filter (He et al. 2013, section 3).

A network's shares are smooth over a cell of its head, many pixels wide. In every window of the photograph they are
replaced by what an affine function of its colour can say of them: edges of the photograph stay, where it has none the
shares are averaged. As in the fast guided filter (He & Sun 2015) the functions are found at the size of prediction and
applied at the image's own, so that a huge photograph costs little more than a small one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from comus_core.config.formulas import GuidedSettings
from comus_core.types import RgbImage, SoftMap

CONSTANTS = GuidedSettings()
RADIUS = CONSTANTS.radius  # pixels: one cell of a network's head on every side, which is how far a border is off
EPSILON = CONSTANTS.epsilon  # of colours in [0, 1]: an edge counts where colours vary by more than its root, 3 %


def refine(soft: SoftMap, image: RgbImage, constants: GuidedSettings = CONSTANTS) -> SoftMap:
    """A soft map whose borders follow the edges of the image: (h, w) float32 in [0, 1], `image` (h, w, 3) uint8."""
    guide = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    refined = GuidedFilter(guide, constants.radius, constants.epsilon).refine(torch.from_numpy(soft.astype(np.float32)))
    return np.asarray(refined.numpy(), np.float32)


class GuidedFilter:
    """The filter of one photograph, for any number of planes.

    `guide` is (3, h, w) in 0…255, at the size of the planes; a window is 2 `radius` + 1 pixels wide, less at the
    border; `epsilon` is added to the variance of its colours.
    """

    def __init__(self, guide: Tensor, radius: int = RADIUS, epsilon: float = EPSILON) -> None:
        self.guide, self.radius = guide.float() / 255, radius
        self.mean = box_mean(self.guide, radius)
        pairs = self.guide[:, None] * self.guide[None]
        covariance = box_mean(pairs.flatten(0, 1), radius).view_as(pairs) - self.mean[:, None] * self.mean[None]
        regular = covariance + epsilon * torch.eye(3, device=guide.device)[..., None, None]
        self.inverse = torch.linalg.inv(regular.permute(2, 3, 0, 1))  # (h, w, 3, 3)

    def functions(self, plane: Tensor) -> Tensor:
        """(h, w) -> (4, h, w): three factors and a constant, the mean of those of all windows around a pixel."""
        mean = box_mean(plane[None], self.radius)
        covariance = box_mean(self.guide * plane, self.radius) - self.mean * mean
        factors = torch.einsum("hwcd,dhw->chw", self.inverse, covariance)
        constant = mean - (factors * self.mean).sum(dim=0, keepdim=True)
        return box_mean(torch.cat([factors, constant]), self.radius)

    def refine(self, plane: Tensor, image: Tensor | None = None, least: float = 0.0) -> Tensor:
        """A plane of shares, refined.

        Args:
            plane: (h, w) in [0, 1].
            image: (3, H, W) in 0…255, the photograph at the size that is wanted; None is the guide itself.
            least: a plane that is nowhere above it is only enlarged, which is many times faster.

        Returns:
            (H, W) in [0, 1]. Planes that sum to 1 do so again, but for what is cut off at 0 and 1.
        """
        colours = self.guide if image is None else image
        if plane.max() < least:
            return _enlarged(plane, colours)
        affine = self.functions(plane)
        refined = _enlarged(affine[3], colours)
        for factor, colour in zip(affine[:3], colours, strict=True):  # one plane of the image's size at a time
            refined += _enlarged(factor, colours) * (colour if image is None else colour.float() / 255)
        return refined.clamp_(0, 1)


def box_mean(planes: Tensor, radius: int) -> Tensor:
    """(n, h, w) -> (n, h, w): the mean over the square window around each pixel, as far as it lies inside."""
    for axis in (1, 2):
        size = planes.shape[axis]
        sums = functional.pad(planes.double().cumsum(axis), (1, 0) if axis == 2 else (0, 0, 1, 0))
        place = torch.arange(size, device=planes.device)
        first, last = (place - radius).clamp(min=0), (place + radius + 1).clamp(max=size)
        shape = (-1, 1) if axis == 1 else (-1,)
        window = sums.index_select(axis, last) - sums.index_select(axis, first)
        planes = (window / (last - first).view(shape)).to(planes.dtype)
    return planes


def _enlarged(plane: Tensor, like: Tensor) -> Tensor:
    size = like.shape[-2:]
    if plane.shape == size:
        return plane.clone()
    return functional.interpolate(plane[None, None], size, mode="bilinear", align_corners=False)[0, 0]
