"""One category for each connected object: what COMUS assumes of a proposal, held of a network's masks too.

A network decides pixel by pixel, so that an object falls apart into parts of different categories, and where it wavers
between two of them each loses to the background. Here it first decides what is object at all, by the share of all
categories together; then every connected object gets the category with the largest sum of shares over its pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from comus_core.types import FloatArray, IntArray


def voted(
    shares: Tensor,
    threshold: float,
    saliency: Tensor | None = None,
    weight: float = 0.0,
    *,
    classify: Callable[[IntArray], FloatArray] | None = None,
    classifier_share: float = 0.0,
) -> Tensor:
    """Shares in which each connected object has one category.

    Args:
        shares: (C + 1, h, w), background first, summing to 1 at each pixel.
        threshold: a pixel is object from this share of all categories together, in (0, 1).
        saliency: (h, w) in [0, 1], how salient a detector finds each pixel; None leaves the decision to the network.
        weight: of the saliency against the network's share, in [0, 1].
        classify: the m objects as (h, w) integers, 0 for none and 1 … m -> (m, C) shares of the categories, NaN rows
            where it does not know. None leaves the category to the network.
        classifier_share: weight of these shares against the network's in an object, in [0, 1].

    Returns:
        (C + 1, h, w): the background's share, moved so that the threshold lies at one half, and the rest of 1 in the
        category of the pixel's object. Pixels of no object take the category of the nearest one, so that an object
        grows and shrinks smoothly when the shares are enlarged; without any object each keeps its own best. Objects
        touch along pixels' sides (4 neighbours).
    """
    share = 1 - shares[0]
    if saliency is not None:
        share = torch.lerp(share, saliency.to(share), weight)
    inside = share >= threshold
    objects, count = ndimage.label(inside.cpu().numpy())
    odds = share * (1 - threshold)
    moved = odds / (odds + (1 - share) * threshold).clamp(min=1e-12)
    result = torch.zeros_like(shares)
    result[0] = 1 - moved
    if not count:
        return result.scatter_(0, shares[1:].argmax(dim=0)[None] + 1, moved[None])
    number = torch.from_numpy(objects.astype(np.int64)).to(shares.device)
    sums = shares.new_zeros(len(shares) - 1, count + 1)
    sums.index_add_(1, number.ravel(), shares[1:].flatten(1))
    if classify is not None and classifier_share:
        named = torch.from_numpy(classify(objects)).to(sums).T
        own = sums[:, 1:] / sums[:, 1:].sum(dim=0).clamp(min=1e-12)
        sums[:, 1:] = torch.where(named.isnan(), own, torch.lerp(own, named, classifier_share))
    category = sums.argmax(dim=0) + 1
    nearest = ndimage.distance_transform_edt(objects == 0, return_distances=False, return_indices=True)
    number = torch.from_numpy(objects[tuple(nearest)].astype(np.int64)).to(shares.device)
    return result.scatter_(0, category[number][None], moved[None])
