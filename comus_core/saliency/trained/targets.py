"""What the networks learn: priors made certain, moving averages of predictions, and what these amount to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from comus_core.saliency.trained.colour_models import agreeing
from comus_core.saliency.trained.generation import Bytes


def certain(maps: Bytes, above: float) -> Bytes:
    """Maps of priors as 0 and 255: salient is what exceeds so many times the mean (Achanta et al. 2009, section 4.2).

    (n, k, h, w). Priors are stretched to 1 in every image: no fixed threshold means the same in two of them.
    """
    means = maps.reshape(*maps.shape[:2], -1).mean(axis=2, dtype=np.float64)
    limits = np.minimum(above * means, 254)[:, :, None, None]
    salient: Bytes = (maps > limits).astype(np.uint8) * np.uint8(255)
    return salient


class MovingAverage:
    """The average of the predictions of every epoch so far, (n, k, h, w): later ones count more."""

    def __init__(self, shape: tuple[int, int, int, int], keep: float) -> None:
        self.keep, self.values, self.begun = keep, np.zeros(shape, np.float16), np.zeros(shape[0], bool)

    def add(self, rows: NDArray[np.int64], shares: Tensor) -> None:
        """Take in predictions of some images, (m, k, h', w') in [0, 1]; the first ones are taken as they are."""
        size = self.values.shape[2:]
        small = functional.interpolate(shares, size, mode="bilinear", align_corners=False).numpy()
        keep = np.where(self.begun[rows], self.keep, 0.0)[:, None, None, None]
        self.values[rows] = keep * self.values[rows] + (1 - keep) * small
        self.begun[rows] = True


def as_bytes(average: NDArray[np.float16]) -> Bytes:
    """Averages in [0, 1] as 0 to 255."""
    return np.rint(average.astype(np.float32) * 255).astype(np.uint8)


def is_salient(average: NDArray[np.float16]) -> Bytes:
    """Averages as 0 and 255: salient is what exceeds a half (DeepUSPS, from its second iteration on)."""
    return (average > 0.5).astype(np.uint8) * np.uint8(255)


def refined(maps: Bytes, pixels: Bytes, way: str, colours: float) -> Bytes:
    """What the next network learns: the mean of the maps of each image, made to agree with its colours and edges.

    Args:
        maps: (n, k, h, w).
        pixels: (n, s, s, 3) RGB.
        way: "guided" moves the edges of the mean to those of the image; "none" does not.
        colours: weight of the colours (`agreeing`) before that; 0 leaves them out.

    Returns:
        (n, 1, h, w).
    """
    from comus_core.saliency.refinement.guided import GuidedFilter

    size, whole = maps.shape[2:], np.empty((len(maps), 1, *maps.shape[2:]), np.uint8)
    for row, of_image in enumerate(maps):
        plane = of_image.mean(axis=0, dtype=np.float32) / np.float32(255)
        image = torch.from_numpy(pixels[row]).permute(2, 0, 1)[None].float()
        guide = functional.interpolate(image, size, mode="area")[0]
        if colours:
            plane = agreeing(plane, guide.permute(1, 2, 0).numpy().round().astype(np.uint8), colours)
        if way == "guided":
            plane = GuidedFilter(guide, radius=max(1, size[0] // 10)).refine(torch.from_numpy(plane)).numpy()
        whole[row, 0] = np.rint(plane * 255)
    return whole
