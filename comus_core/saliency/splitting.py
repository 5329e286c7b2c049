"""The objects of one soft map: which pixels of its foreground belong together (method 2.10)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from comus_core.proposals.resizing import resize_nearest
from comus_core.types import BoolMask, IntArray

LEVELS = 255  # of a stored soft map


def components(mask: BoolMask, min_area: int) -> list[BoolMask]:
    """The 4-connected components of a mask with more than `min_area` pixels.

    Pixels belong together that share a side; those that touch at a corner alone do not.

    Args:
        mask: (H, W).
        min_area: pixels.

    Returns:
        (H, W) each, in the reading order of their first pixels.
    """
    return _large(ndimage.label(mask)[0], min_area)


def peaks(
    mask: BoolMask, stored: NDArray[np.uint8], foreground: BoolMask, depth: float, min_area: int
) -> list[BoolMask]:
    """The components of a mask, each divided where saliency falls deep enough between two peaks.

    Two peaks are divided if on every way from one to the other through the foreground saliency falls by more than
    `depth` below the lower of them; see `basins`. This is decided at the detector's own size; a pixel of the mask
    belongs to the peak of the cell below it, or of the nearest that has one.

    Args:
        mask: (H, W), the foreground at image size.
        stored: (h, w) soft map at the detector's own size.
        foreground: (h, w), the foreground there.
        depth: between 0 and 1.
        min_area: pixels of the image; a part must have more.

    Returns:
        (H, W) each, 4-connected, without common pixels, in the reading order of their first pixels.
    """
    basin = basins(stored, foreground, depth)
    if basin.max(initial=0) < 2:
        return components(mask, min_area)
    nearest = ndimage.distance_transform_edt(basin == 0, return_distances=False, return_indices=True)
    of_pixel = np.where(mask, resize_nearest(basin[tuple(nearest)], (mask.shape[0], mask.shape[1])), 0)
    parts, count = np.zeros(mask.shape, np.int32), 0
    for number, box in enumerate(ndimage.find_objects(of_pixel), 1):
        if box is not None:
            found, more = ndimage.label(of_pixel[box] == number)
            parts[box] += np.where(found > 0, found + count, 0)
            count += more
    return _large(parts, min_area)


def basins(stored: NDArray[np.uint8], foreground: BoolMask, depth: float) -> IntArray:
    """Which peak each cell of the foreground belongs to.

    The peaks are the extended maxima of the map within its foreground: the regional maxima of its reconstruction from
    itself lowered by `depth` (Soille, Morphological Image Analysis, 2nd edition 2003, section 6.3.4). The border
    between two is the watershed of the map turned upside down (Meyer, Signal Processing 38, 1994). Cells that share a
    side are neighbours.

    Args:
        stored: (h, w) soft map, in the 255 levels that are stored.
        foreground: (h, w); every component of it has a peak, however faint.
        depth: between 0 and 1.

    Returns:
        (h, w) int32, 1 … m, 0 outside of the foreground.
    """
    from skimage.morphology import local_maxima, reconstruction
    from skimage.segmentation import watershed

    if not foreground.any():
        return np.zeros(stored.shape, np.int32)
    fall = math.floor(depth * LEVELS + 1e-9)  # levels are whole: a fall by more than this is one by more than the depth
    outside = -1 - fall  # below any level by more than that
    height = np.where(foreground, stored.astype(np.int32), outside)
    cross = ndimage.generate_binary_structure(2, 1)
    lowered = reconstruction(np.maximum(height - fall, outside), height, "dilation", footprint=cross)
    framed = np.pad(lowered, 1, constant_values=outside)  # so that a map of one level has a maximum too
    tops = local_maxima(framed, connectivity=1)[1:-1, 1:-1] & foreground
    return np.asarray(watershed(-height, ndimage.label(tops)[0], connectivity=1, mask=foreground), np.int32)


def _large(labelled: IntArray, min_area: int) -> list[BoolMask]:
    """The regions of (H, W) labels with more than `min_area` pixels, by the reading order of their first pixels."""
    area = np.bincount(labelled.ravel())
    masks = [labelled == number for number in range(1, len(area)) if area[number] > min_area]
    return sorted(masks, key=lambda mask: int(mask.argmax()))
