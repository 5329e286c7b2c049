"""Pseudo-masks: kept proposals as index masks, the labels of the first training round (paper section 3.3; method 1.5).

If an image has a kept and a dropped proposal, the dropped one is "ignore": not background, but of uncertain category.
(The paper's images have one proposal each.)
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
    """The dtype and the ignore value of index masks of C categories.

    Raises:
        SettingsError: too many categories for 16 bits.
    """
    require(
        0 <= categories <= WORD_CATEGORIES,
        f"{categories} categories: an index mask supports 0 to {WORD_CATEGORIES}; merge clusters or use fewer",
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
        SettingsError: different lengths or sizes, proposals of several images, a category of C or more.
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
    """The images of round 1: those with a kept proposal, without duplicates, in the order of the rows.

    Args:
        image_ids: (n,) the image of each proposal.
        kept: (n,) bool, in the core of a cluster that is not rejected.

    Raises:
        SettingsError: different lengths.
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
    image = Image.fromarray(np.ascontiguousarray(mask))
    if mask.dtype == np.uint8:
        image.putpalette(voc_palette().tobytes())
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def from_png(content: bytes) -> IndexMask:
    """The index mask of a PNG from `to_png`: (H, W) uint8 or uint16.

    Raises:
        ImageError: not a readable PNG, or colours instead of indices.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            mode, mask = image.mode, np.array(image)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ImageError(f"index mask: {error}; compute the pseudo-masks again") from None
    if mode in ("P", "L"):
        return mask
    if mode in ("I;16", "I"):
        return mask.astype(np.uint16)
    raise ImageError(f"index mask: a PNG of mode {mode} has colours, not indices; use a palette or grey PNG")


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
        len(images) <= 1, f"pseudo-mask: proposals of {len(images)} images ({', '.join(images[:2])}): use those of one"
    )
    require(
        m == len(category) == len(kept),
        f"pseudo-mask of {images}: {m} proposals, {len(category)} categories, {len(kept)} kept flags",
    )
    different = {tuple(size) for size in proposals.size_hw.tolist()} - {tuple(size_hw)}
    require(
        not different,
        f"pseudo-mask of {images}: its proposals have size {sorted(different)[:1]} but the image has {tuple(size_hw)} "
        "(height, width): compute the proposals again",
    )
    require(
        not (category >= categories).any(),
        f"pseudo-mask of {images}: category {category.max(initial=-1)} is too high: there are {categories}, from 0",
    )
