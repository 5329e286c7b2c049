"""The cells that hold most of an attention map: DINO's attention as LOST's comparison has it (DINOSeg; method 2.2)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from comus_core.saliency.cuts.regions import largest_region, only_in, share_soft
from comus_core.types import FloatArray, SoftMap

Head = int | Literal["mean", "max-area"]


def attention_mass(attention: FloatArray, head: Head, mass: float) -> SoftMap:
    """The largest connected region of the fewest cells that hold a share of the attention.

    Args:
        attention: (heads, h, w), not negative, what the class token attends to.
        head: number of one head, the mean of all, or "max-area": the head whose region has the most cells, of several
            the first.
        mass: share of a head's attention, between 0 and 1.

    Returns:
        (h, w) float32 in [0, 1]; zero where the attention is the same everywhere.
    """
    if head == "max-area":
        maps = [_mass_map(one, mass) for one in attention]
        return maps[int(np.argmax([(soft > 0.5).sum() for soft in maps]))]
    return _mass_map(attention.mean(axis=0) if head == "mean" else attention[head], mass)


def _mass_map(attention: FloatArray, mass: float) -> SoftMap:
    """Of (h, w): 0.5 where all cells of more attention hold the share `mass`; other regions mirrored below 0.5."""
    if attention.min() == attention.max():
        return np.zeros(attention.shape, np.float32)
    flat = attention.ravel().astype(np.float64)
    order = np.argsort(-flat, kind="stable")
    before = np.empty(len(flat))
    before[order] = (np.cumsum(flat[order]) - flat[order]) / flat.sum()  # the share of the cells above each
    soft = share_soft(1 - before.reshape(attention.shape), 1 - mass, 0.0, 1.0)
    return only_in(soft, largest_region(soft > 0.5))
