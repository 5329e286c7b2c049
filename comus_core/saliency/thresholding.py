"""From a soft map to proposals, by a threshold (paper section 3.1; method 1.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from comus_core.config import SaliencySettings
from comus_core.proposals.resizing import bilinear_bands, resize_nearest
from comus_core.proposals.table import Proposals, proposals_of
from comus_core.saliency.soft_maps import dequantise
from comus_core.types import BoolMask, ImageId


def masks_from_soft_map(
    stored: NDArray[np.uint8], size_hw: tuple[int, int], settings: SaliencySettings
) -> list[BoolMask]:
    """The object masks of one image: all foreground is one region, as in the paper.

    The map is never min-max scaled: an image whose map does not exceed the threshold has no mask.

    Args:
        stored: (h, w) uint8 soft map at the detector's own size.
        size_hw: the image's height and width.
        settings: `resize` "binary" thresholds at the detector's size and resizes the mask with nearest neighbour
            (paper); "soft" resizes the map bilinearly and thresholds at image size.

    Returns:
        No mask or one, (H, W) bool with more than `settings.min_area` pixels.
    """
    soft = dequantise(stored)
    if settings.resize == "binary":
        mask = resize_nearest(soft > settings.threshold, size_hw)
    else:
        mask = np.empty(size_hw, bool)
        for rows, part in bilinear_bands(soft, size_hw):
            mask[rows] = part > settings.threshold
    return [mask] if int(mask.sum()) > settings.min_area else []


def find_proposals(
    image_id: ImageId, stored: NDArray[np.uint8], size_hw: tuple[int, int], settings: SaliencySettings
) -> Proposals:
    """The proposals of one image; an empty table if nothing is salient.

    Where maps of several objects are above the threshold in the same pixel, the object with the higher score keeps it.

    Args:
        image_id: of the image.
        stored: (h, w) uint8, the soft map at the detector's own size; or (n, h, w), one map an object.
        size_hw: the image's height and width.
        settings: threshold, resizing and least area; see `masks_from_soft_map`.

    Returns:
        Disjoint masks by descending score, the mean of the bilinearly resized soft map inside the mask: of its own
        object's map, over the pixels that it keeps.
    """
    size = (int(size_hw[0]), int(size_hw[1]))
    found: list[tuple[BoolMask, NDArray[np.float32]]] = []
    for one in stored if stored.ndim == 3 else stored[None]:
        found += [(mask, dequantise(one)) for mask in masks_from_soft_map(one, size, settings)]
    if len(found) > 1:
        found.sort(key=lambda pair: -_mean_inside(pair[1], pair[0]))
    kept = disjoint([mask for mask, _ in found], settings.min_area)
    scores = [_mean_inside(found[k][1], mask) for k, mask in kept.items()]
    return proposals_of(image_id, list(kept.values()), scores)


def disjoint(masks: Sequence[BoolMask], min_area: int) -> dict[int, BoolMask]:
    """Position -> mask without common pixels, which the earlier mask keeps; a rest of at most `min_area` is left out.

    Sums over proposals (scores, counts) rely on this.
    """
    kept: dict[int, BoolMask] = {}
    for position, mask in enumerate(masks):
        rest = mask & ~np.logical_or.reduce(list(kept.values())) if kept else mask
        if int(rest.sum()) > min_area:
            kept[position] = rest
    return kept


def _mean_inside(soft: NDArray[np.float32], mask: BoolMask) -> float:
    """Mean over a mask of the (h, w) map resized bilinearly to the mask's size."""
    size = (mask.shape[0], mask.shape[1])
    total = sum(float(part[mask[rows]].sum(dtype=np.float64)) for rows, part in bilinear_bands(soft, size))
    return total / int(mask.sum())
