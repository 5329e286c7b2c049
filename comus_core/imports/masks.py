"""Imported masks beside known ones: which is which, whether it has changed, and which keeps a pixel that both claim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comus_core.types import BoolMask

SAME = 0.5  # IoU above which a mask without an id is the object there; disjoint masks have only one such
TOLERANCE = 1.5  # pixels by which the edge of a polygon may differ from the mask that it was drawn around


def iou(first: BoolMask, second: BoolMask) -> float:
    """Intersection over union of two masks of one image; 0 for two empty ones."""
    union = int(np.logical_or(first, second).sum())
    return int(np.logical_and(first, second).sum()) / union if union else 0.0


def box_iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union of two boxes, x0, y0, x1, y1 with ends exclusive."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def same_but_for_edges(drawn: BoolMask, known: BoolMask, tolerance: float) -> bool:
    """Whether two masks differ only in pixels at most so far from an edge of the known one.

    So a polygon drawn around a mask is that mask again; a correction of so little is none.
    """
    from scipy import ndimage

    different = drawn ^ known
    if not different.any():
        return True
    rows, columns = (np.flatnonzero((different | known).any(axis=axis)) for axis in (1, 0))
    margin = int(tolerance) + 2
    part = (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )
    inside, different = known[part], different[part]
    outward = ndimage.distance_transform_edt(~inside) if inside.any() else np.full(inside.shape, np.inf)
    inward = ndimage.distance_transform_edt(inside)
    return bool((np.where(inside, inward, outward)[different] <= tolerance).all())


def shared_out(pixels: BoolMask, known: Sequence[BoolMask]) -> tuple[list[BoolMask], BoolMask]:
    """All pixels of a category in an image as its objects: what is left or added of each known one, and the rest.

    A connected part (also at corners) belongs to the known object that it overlaps; of a part that overlaps several,
    each pixel belongs to the nearest of them. What overlaps none is the rest, one new object.
    """
    from scipy import ndimage

    owner = np.zeros(pixels.shape, np.int32)
    for number, mask in enumerate(known, 1):
        owner[mask & pixels] = number
    parts, count = ndimage.label(pixels, np.ones((3, 3), bool))
    given = owner.copy()
    for part in range(1, count + 1):
        here = parts == part
        owners = np.unique(owner[here])
        owners = owners[owners > 0]
        if len(owners) == 1:
            given[here] = owners[0]
        elif len(owners):
            inside = here & (owner > 0)
            nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
            given[here] = owner[tuple(nearest)][here]
    return [given == number for number in range(1, len(known) + 1)], pixels & (given == 0)


def without_common_pixels(masks: Sequence[BoolMask]) -> list[BoolMask]:
    """The masks, of which the earlier keeps a pixel that several claim."""
    taken: BoolMask | None = None
    left: list[BoolMask] = []
    for mask in masks:
        left.append(mask if taken is None else mask & ~taken)
        taken = mask if taken is None else taken | mask
    return left
