"""What the networks learn: priors made certain, moving averages of predictions, and what these amount to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from comus_core.saliency.trained.generation import Bytes


def certain(maps: Bytes) -> Bytes:
    """Maps of priors as 0 and 255: salient is what exceeds twice the mean (Achanta et al. 2009, section 4.2).

    (n, k, h, w). Priors are stretched to 1 in every image: no fixed threshold means the same in two of them.
    """
    means = maps.reshape(*maps.shape[:2], -1).mean(axis=2, dtype=np.float64)
    limits = np.minimum(2 * means, 254)[:, :, None, None]
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


def is_salient(average: NDArray[np.float16]) -> Bytes:
    """Averages as 0 and 255: salient is what exceeds a half (DeepUSPS, from its second iteration on)."""
    return (average > 0.5).astype(np.uint8) * np.uint8(255)


def fused(average: NDArray[np.float16], pixels: Bytes, refine: str) -> Bytes:
    """(n, 1, h, w): the mean of the averages of an image, refined at its size if wanted."""
    from comus_core.saliency.refinement.guided import GuidedFilter

    size, whole = average.shape[2:], np.empty((len(average), 1, *average.shape[2:]), np.uint8)
    for row, maps in enumerate(average):
        plane = torch.from_numpy(maps.astype(np.float32).mean(axis=0))
        if refine == "guided":
            image = torch.from_numpy(pixels[row]).permute(2, 0, 1)[None].float()
            guide = functional.interpolate(image, size, mode="area")[0]
            plane = GuidedFilter(guide, radius=max(1, size[0] // 10)).refine(plane)
        whole[row, 0] = np.rint(plane.numpy() * 255)
    return whole
