"""What the networks learn: priors made certain, maps refined on their own images, and which maps are the surest."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from comus_core.saliency.trained.colour_models import agreeing
from comus_core.saliency.trained.generation import Bytes

SALIENT = 127  # maps are salient above it
LEAST, MOST = 0.02, 0.7  # share of an image that an object takes: other maps show nothing, or everything


def certain(maps: Bytes, above: float) -> Bytes:
    """Maps of priors as 0 and 255: salient is what exceeds so many times the mean (Achanta et al. 2009, section 4.2).

    (n, k, h, w). Priors are stretched to 1 in every image: no fixed threshold means the same in two of them.
    """
    means = maps.reshape(*maps.shape[:2], -1).mean(axis=2, dtype=np.float64)
    limits = np.minimum(above * means, 254)[:, :, None, None]
    salient: Bytes = (maps > limits).astype(np.uint8) * np.uint8(255)
    return salient


def refined(
    maps: Bytes, pixels: Bytes, way: str, colours: float, on_images: Callable[[int], None] = lambda _: None
) -> Bytes:
    """The mean of the maps of an image, made to agree with its colours and edges.

    Args:
        maps: (n, k, h, w).
        pixels: (n, s, s, 3) RGB.
        way: "guided" moves the edges of the mean to those of the image; "none" does not.
        colours: weight of the colours (`agreeing`) before that; 0 leaves them out.
        on_images: is told how many images are done; what it raises ends it.

    Returns:
        (n, 1, h, w).
    """
    threads, whole = torch.get_num_threads(), np.empty((len(maps), 1, *maps.shape[2:]), np.uint8)
    torch.set_num_threads(1)  # maps are small: several threads wait for each other twenty times as long as one works
    try:
        for row, of_image in enumerate(maps):
            whole[row, 0] = np.rint(255 * _refined(of_image, pixels[row], way, colours))
            on_images(row + 1)
    finally:
        torch.set_num_threads(threads)
    return whole


def _refined(maps: Bytes, pixels: Bytes, way: str, colours: float) -> NDArray[np.float32]:
    """(h, w) in [0, 1] of the (k, h, w) maps of one image."""
    from comus_core.saliency.refinement.guided import GuidedFilter

    plane: NDArray[np.float32] = maps.mean(axis=0, dtype=np.float32) / np.float32(255)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    guide = functional.interpolate(image, maps.shape[1:], mode="area")[0]
    if colours:
        plane = agreeing(plane, guide.permute(1, 2, 0).numpy().round().astype(np.uint8), colours)
    if way == "guided":
        plane = GuidedFilter(guide, radius=max(1, maps.shape[1] // 10)).refine(torch.from_numpy(plane)).numpy()
    return plane


def agreement(maps: Bytes) -> NDArray[np.float64]:
    """(n, k, h, w) -> (n,): the mean IoU of all pairs of an image's k maps; two empty ones have 0."""
    salient = maps > SALIENT
    pairs = list(combinations(range(maps.shape[1]), 2))
    total = np.zeros(len(maps))
    for one, other in pairs:
        common = (salient[:, one] & salient[:, other]).sum(axis=(1, 2))
        either = (salient[:, one] | salient[:, other]).sum(axis=(1, 2))
        total += common / np.maximum(either, 1)
    return total / len(pairs)


def surest(maps: Bytes, agree: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """Rows of the surest maps, in order: far from a half at every pixel, and of sources that agree.

    Maps that show nothing or almost everything come last. Where priors agree they are mostly right (docs/detector.md),
    and a network that learns from these finds more in the other images than the priors do.

    Args:
        maps: (n, 1, h, w).
        agree: (n,) in [0, 1], see `agreement`.
        share: how many, of all; at least one.
    """
    decided = np.abs(maps.astype(np.float32) / 127.5 - 1).mean(axis=(1, 2, 3))
    area = (maps > SALIENT).mean(axis=(1, 2, 3))
    sure = np.where((area >= LEAST) & (area <= MOST), decided * agree, -1.0)
    count = max(1, round(share * len(maps)))
    return np.sort(np.argsort(-sure, kind="stable")[:count])
