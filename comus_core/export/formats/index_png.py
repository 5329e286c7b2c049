"""Index masks as PNG files with the colours of an export."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from comus_core.export.records import Colour, ExportCategory, ExportImage, ExportObject
from comus_core.proposals.pseudo_masks import voc_palette
from comus_core.types import IndexMask, IntArray


def class_mask(
    image: ExportImage, objects: Sequence[ExportObject], category_of: dict[int, ExportCategory]
) -> IndexMask:
    """(H, W) uint8 or uint16: 0 background, the index of the category inside each object."""
    return painted(image, objects, [category_of[one.category].index for one in objects])


def object_mask(image: ExportImage, objects: Sequence[ExportObject]) -> IndexMask:
    """(H, W) uint8 or uint16: 0 background, 1…n the objects in their order."""
    return painted(image, objects, range(1, len(objects) + 1))


def painted(image: ExportImage, objects: Sequence[ExportObject], values: Iterable[int]) -> IndexMask:
    """(H, W) with a value inside each object; uint16 where one is above 254, as 255 is "ignore" in many tools."""
    values = list(values)
    mask = np.zeros((image.height, image.width), np.uint8 if max(values, default=0) < 255 else np.uint16)
    for one, value in zip(objects, values, strict=True):
        x0, y0, x1, y1 = one.box_xyxy
        mask[y0:y1, x0:x1][one.crop] = value
    return mask


def palette_of(categories: Iterable[ExportCategory]) -> IntArray:
    """(256, 3) uint8: VOC's palette with the colours of the categories at their indices."""
    palette = voc_palette()
    for category in categories:
        if category.index < 255:
            palette[category.index] = category.colour
    return palette


def index_png(mask: IndexMask, palette: IntArray) -> bytes:
    """A palette PNG; 16-bit grey where the indices need that."""
    image = Image.fromarray(np.ascontiguousarray(mask))
    if mask.dtype == np.uint8:
        image.putpalette(palette.astype(np.uint8).tobytes())
    return _png(image)


def colour_png(pixels: IntArray) -> bytes:
    """A PNG of (H, W, 3) or (H, W, 4) uint8."""
    return _png(Image.fromarray(pixels))


def hex_colour(colour: Colour) -> str:
    """Such as `#80ff00`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
