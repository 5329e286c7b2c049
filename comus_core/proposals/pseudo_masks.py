"""Kept proposals painted as index masks: the labels of the first training round (paper section 3.3; method 1.5).

Where an image has a kept and a dropped proposal, the dropped one is "ignore": surely no background, only of uncertain
category. (The paper's images have one proposal each.)
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from comus_core.errors import ImageError
from comus_core.proposals.table import Proposals
from comus_core.settings import require
from comus_core.types import BoolMask, ImageId, IndexMask, IntArray, StrArray

BYTE_CATEGORIES, WORD_CATEGORIES = 254, 65534  # background and ignore take the other two values


def index_dtype_and_ignore(categories: int) -> tuple[np.dtype[Any], int]:
    """How index masks of C categories are stored: their dtype and their ignore value.

    Raises:
        SettingsError: more categories than 16 bits hold.
    """
    require(
        0 <= categories <= WORD_CATEGORIES,
        f"{categories} categories: an index mask holds 0 to {WORD_CATEGORIES}; merge clusters or ask for fewer",
    )
    if categories <= BYTE_CATEGORIES:
        return np.dtype(np.uint8), 255
    return np.dtype(np.uint16), 65535


def pseudo_mask(
    proposals_of_image: Proposals, category: IntArray, kept: BoolMask, size_hw: tuple[int, int], categories: int
) -> IndexMask:
    """One image's training mask.

    Args:
        proposals_of_image: m disjoint proposals of the image.
        category: (m,) integers, -1 = rejected or unassigned.
        kept: (m,) bool, in the core of its cluster.
        size_hw: the image's height and width.
        categories: C.

    Returns:
        (H, W), 0 background, category + 1 inside kept proposals, ignore inside all others; background inside them
        too if none is kept, as such an image is in no training set and its proposals count as background.

    Raises:
        SettingsError: lengths or sizes that differ, proposals of several images, a category of C or more.
    """
    category = np.asarray(category)
    _check(proposals_of_image, category, kept, size_hw, categories)
    dtype, ignore = index_dtype_and_ignore(categories)
    core = np.asarray(kept, bool) & (category >= 0)
    mask = np.zeros(size_hw, dtype)
    if core.any():
        for row, index in enumerate(np.where(core, category + 1, ignore)):
            mask[proposals_of_image.mask(row)] = index
    return mask


def training_images(image_ids: StrArray | Sequence[ImageId], kept: BoolMask) -> list[ImageId]:
    """The images of round 1: those with a kept proposal, each once, in the order of the rows.

    Args:
        image_ids: (n,) the image of each proposal.
        kept: (n,) bool, in the core of a cluster that is not rejected.

    Raises:
        SettingsError: lengths that differ.
    """
    require(len(image_ids) == len(kept), f"training images: {len(image_ids)} proposals but {len(kept)} kept flags")
    return list(dict.fromkeys(i for i, keep in zip(image_ids, kept, strict=True) if keep))


def to_png(mask: IndexMask) -> bytes:
    """A lossless PNG: 8-bit with the VOC palette for uint8, 16-bit grey for uint16.

    Raises:
        SettingsError: another dtype, or not (H, W).
    """
    require(
        mask.ndim == 2 and mask.dtype in (np.uint8, np.uint16),
        f"index mask of dtype {mask.dtype} and shape {mask.shape}: must be uint8 or uint16 of shape (H, W)",
    )
    picture = Image.fromarray(np.ascontiguousarray(mask))
    if mask.dtype == np.uint8:
        picture.putpalette(voc_palette().tobytes())
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def from_png(content: bytes) -> IndexMask:
    """The index mask of a PNG that `to_png` made: (H, W) uint8 or uint16.

    Raises:
        ImageError: no readable PNG, or colours instead of indices.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            mode, mask = picture.mode, np.array(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ImageError(f"index mask: {error}; make the pseudo-masks again") from None
    if mode in ("P", "L"):
        return mask
    if mode in ("I;16", "I"):
        return mask.astype(np.uint16)
    raise ImageError(f"index mask: a PNG of mode {mode} holds colours, not indices; use a palette or grey PNG")


def voc_palette() -> IntArray:
    """(256, 3) uint8 colours of PASCAL VOC: bit j of an index is bit 7 − j // 3 of channel j mod 3."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= (((index >> bit) & 1) << (7 - bit // 3)).astype(np.uint8)
    return colours


def _check(proposals: Proposals, category: IntArray, kept: BoolMask, size_hw: tuple[int, int], categories: int) -> None:
    m, images = len(proposals), sorted(set(proposals.image_id))
    require(
        len(images) <= 1, f"pseudo-mask: proposals of {len(images)} images ({', '.join(images[:2])}): give those of one"
    )
    require(
        m == len(category) == len(kept),
        f"pseudo-mask of {images}: {m} proposals, {len(category)} categories, {len(kept)} kept flags: give one each",
    )
    other = {tuple(size) for size in proposals.size_hw.tolist()} - {tuple(size_hw)}
    require(
        not other,
        f"pseudo-mask of {images}: its proposals are of size {sorted(other)[:1]} but the image is {tuple(size_hw)} "
        "(height, width): make the proposals again",
    )
    require(
        not (category >= categories).any(),
        f"pseudo-mask of {images}: category {category.max(initial=-1)} but there are {categories}, numbered from 0",
    )
