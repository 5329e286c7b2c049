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
    """The object masks of one soft map.

    The map is never min-max scaled: an image whose map does not exceed the threshold has no mask.

    Args:
        stored: (h, w) uint8 soft map at the detector's own size.
        size_hw: the image's height and width.
        settings: `resize` "binary" thresholds at the detector's size and resizes the mask with nearest neighbour
            (paper); "soft" resizes the map bilinearly and thresholds at image size. `split` "none" takes all foreground
            as one object (paper); "components" and "peaks" tell objects apart, see `splitting`.

    Returns:
        (H, W) bool, each with more than `settings.min_area` pixels, no pixel in two; of "none" one at most. In the
        reading order of their first pixels.
    """
    soft = dequantise(stored)
    if settings.resize == "binary":
        mask = resize_nearest(soft > settings.threshold, size_hw)
    else:
        mask = np.empty(size_hw, bool)
        for rows, part in bilinear_bands(soft, size_hw):
            mask[rows] = part > settings.threshold
    if int(mask.sum()) <= settings.min_area:
        return []
    if settings.split == "none":
        return [mask]
    from comus_core.saliency.splitting import components, peaks  # SciPy is loaded where objects are parted

    if settings.split == "components":
        return components(mask, settings.min_area)
    return peaks(mask, stored, soft > settings.threshold, settings.peaks.depth, settings.min_area)


def find_proposals(
    image_id: ImageId, stored: NDArray[np.uint8], size_hw: tuple[int, int], settings: SaliencySettings
) -> Proposals:
    """The proposals of one image; an empty table if nothing is salient.

    Where maps of several objects are above the threshold in the same pixel, the object with the higher score keeps it.
    Objects with equal scores keep the order of their maps, and within a map that of `masks_from_soft_map`.

    Args:
        image_id: of the image.
        stored: (h, w) uint8, the soft map at the detector's own size; or (n, h, w), one map an object.
        size_hw: the image's height and width.
        settings: threshold, resizing, least area and splitting; see `masks_from_soft_map`.

    Returns:
        Disjoint masks by descending score before pixels were lost, numbered from 0 in this order. The score that is
        stored is the mean of the bilinearly resized soft map inside the mask: of its own object's map, over the pixels
        that it keeps.
    """
    size = (int(size_hw[0]), int(size_hw[1]))
    maps = stored if stored.ndim == 3 else stored[None]
    found = [(mask, k) for k, one in enumerate(maps) for mask in masks_from_soft_map(one, size, settings)]
    scores = _means_inside(maps, found)
    order = sorted(range(len(found)), key=lambda n: -scores[n])
    kept = [(mask, found[order[n]][1]) for n, mask in disjoint([found[n][0] for n in order], settings.min_area).items()]
    if len(maps) > 1:
        return proposals_of(image_id, [mask for mask, _ in kept], _means_inside(maps, kept))
    return proposals_of(image_id, [mask for mask, _ in kept], [scores[n] for n in order])


def disjoint(masks: Sequence[BoolMask], min_area: int) -> dict[int, BoolMask]:
    """Position -> mask without common pixels, which the earlier mask keeps; a rest of at most `min_area` is left out.

    Sums over proposals (scores, counts) rely on this.
    """
    kept: dict[int, BoolMask] = {}
    taken: BoolMask | None = None
    for position, mask in enumerate(masks):
        rest = mask if taken is None else mask & ~taken
        if int(rest.sum()) > min_area:
            taken = rest if taken is None else taken | rest
            kept[position] = rest
    return kept


def _means_inside(maps: NDArray[np.uint8], found: Sequence[tuple[BoolMask, int]]) -> list[float]:
    """Mean over each (H, W) mask of the map whose number is beside it, resized bilinearly to the mask's size."""
    totals = [0.0] * len(found)
    for number in sorted({number for _, number in found}):
        own = [n for n, (_, of) in enumerate(found) if of == number]
        size = (found[own[0]][0].shape[0], found[own[0]][0].shape[1])
        for rows, part in bilinear_bands(dequantise(maps[number]), size):
            for n in own:
                totals[n] += float(part[found[n][0][rows]].sum(dtype=np.float64))
    return [total / int(mask.sum()) for total, (mask, _) in zip(totals, found, strict=True)]
