"""What a person does to the mask of a proposal: pure operations on (H, W) bool, and their run lengths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from comus_core.datasets.coco_rle import decode
from comus_core.errors import ImageError, SettingsError
from comus_core.proposals.resizing import resize_bilinear, resize_nearest
from comus_core.settings import require
from comus_core.types import BoolMask, IntArray, SoftMap

MOST_PIXELS = 500  # to grow or shrink by at once
EIGHT = np.ones((3, 3), bool)  # pixels that touch at a corner are connected


def encoded(mask: BoolMask) -> str:
    """COCO's packed run lengths."""
    text: bytes = coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"]
    return text.decode()


def from_runs(text: str, size_hw: tuple[int, int]) -> BoolMask:
    """The mask that a browser sends: lengths of its runs by columns, outside first, in base 36, separated by spaces.

    Raises:
        SettingsError: it is too long, is no such text, or has another size.
    """
    height, width = size_hw
    require(len(text) <= 8 * (height * width + 2), "the mask is too long for its image")
    try:
        lengths = [int(word, 36) for word in text.split()]
    except ValueError:
        raise SettingsError("the mask cannot be read: it is no list of run lengths") from None
    require(len(lengths) <= height * width + 1, "the mask has more runs than its image has pixels")
    return decode(lengths, size_hw)


def to_runs(mask: BoolMask) -> str:
    """The text that `from_runs` reads."""
    flat = np.concatenate([[False], mask.T.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return " ".join(np.base_repr(n, 36).lower() for n in np.diff(np.concatenate([[0], edges, [mask.size]])))


def component(mask: BoolMask, number: int) -> tuple[BoolMask, int]:
    """One of the connected parts of a mask, and how many there are.

    Args:
        mask: (H, W).
        number: of the part, from 1 for the largest; equals from top to bottom. Behind the last it starts again.

    Raises:
        SettingsError: the mask is empty.
    """
    labels, order = _labelled(mask)
    require(len(order) > 0, "the mask is empty, so it has no part")
    part: BoolMask = labels == order[(number - 1) % len(order)]
    return part, len(order)


def components(mask: BoolMask) -> list[BoolMask]:
    """The connected parts of a mask, the largest first, equals from top to bottom; none of an empty one."""
    labels, order = _labelled(mask)
    return [labels == label for label in order]


def _labelled(mask: BoolMask) -> tuple[IntArray, list[int]]:
    """(H, W) the number of the part of each pixel, 0 outside, and these numbers, that of the largest part first."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return labels, (np.argsort(-areas, kind="stable") + 1).tolist()


def grown(mask: BoolMask, pixels: int) -> BoolMask:
    """The mask with all pixels at most so far away from it; a negative number shrinks it by as much.

    The border of the image is no edge of an object: nothing shrinks from there.

    Raises:
        SettingsError: too many pixels.
    """
    from scipy import ndimage

    require(abs(pixels) <= MOST_PIXELS, f"grow or shrink by {pixels} pixels: choose at most {MOST_PIXELS}")
    if pixels == 0 or not mask.any() or mask.all():
        return mask.copy()
    rows, columns = (_span(mask.any(axis=axis), abs(pixels) + 1) for axis in (1, 0))
    part, result = mask[rows, columns], mask.copy()
    if pixels > 0:
        result[rows, columns] = ndimage.distance_transform_edt(~part) <= pixels
    else:
        result[rows, columns] = ndimage.distance_transform_edt(part) > -pixels
    return result


def thresholded(soft: SoftMap, mask: BoolMask, threshold: float, resize: str) -> BoolMask:
    """The parts of a soft map above a threshold that touch a mask.

    Args:
        soft: (h, w) float32 at the detector's own size.
        mask: (H, W) of the proposal, which says where the object is.
        threshold: 0 to 1.
        resize: as `SaliencySettings.resize`: "binary" thresholds before resizing, "soft" after.
    """
    from scipy import ndimage

    size = mask.shape[0], mask.shape[1]
    above = resize_nearest(soft > threshold, size) if resize == "binary" else resize_bilinear(soft, size) > threshold
    labels, _ = ndimage.label(above, EIGHT)
    touched = np.unique(labels[mask])
    chosen: BoolMask = np.isin(labels, touched[touched > 0])
    return chosen


def without(masks: Sequence[BoolMask], drawn: BoolMask) -> dict[int, BoolMask]:
    """Place -> what is left of each of the masks that a drawn one takes pixels from."""
    return {place: mask & ~drawn for place, mask in enumerate(masks) if (mask & drawn).any()}


def read_mask_file(path: Path, size_hw: tuple[int, int]) -> BoolMask:
    """The mask in an image file: all that is not black and not transparent.

    Raises:
        SettingsError: it has another size.
        ImageError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            if image.mode == "P" and "transparency" not in image.info:
                mask = np.asarray(image) > 0  # an index mask
            elif image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
                pixels = np.asarray(image.convert("RGBA"))
                mask = (pixels[..., :3].max(axis=2) > 0) & (pixels[..., 3] > 0)
            else:
                pixels = np.asarray(image)
                mask = (pixels if pixels.ndim == 2 else pixels.max(axis=2)) > 0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"mask {path}: {error}; give a PNG file") from None
    require(
        mask.shape == size_hw,
        f"mask {path}: it has {mask.shape[0]} x {mask.shape[1]} pixels (height x width), its image has {size_hw[0]} x "
        f"{size_hw[1]}: draw it at the size of the image",
    )
    return mask


def _span(some: Any, margin: int) -> slice:
    places = np.flatnonzero(some)
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + margin + 1)
