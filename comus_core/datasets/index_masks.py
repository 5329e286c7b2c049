"""Index masks from PNG files, checked against their classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from comus_core.datasets.class_lists import Colour
from comus_core.errors import DatasetError
from comus_core.types import IndexMask

_INDEX_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N")
_COLOUR_MODES = ("RGB", "RGBA")
VOID: Colour = (224, 224, 192)  # VOC's colour of what is ignored


def read_index_mask(path: Path, colours: Mapping[Colour, int] | None = None, ignore: int = 255) -> IndexMask:
    """The indices of a PNG, (H, W) uint8 or uint16, in stored pixels.

    Args:
        path: a palette or grey PNG, read as stored; or one of colours, which a palette holds too where all that occur
            in it are among `colours`.
        colours: the index of each colour; None: those of PASCAL VOC.
        ignore: the index of VOC's colour for ignored pixels, unless `colours` has it.

    Raises:
        DatasetError: the file cannot be read, or holds a colour that stands for nothing.
    """
    try:
        with Image.open(path) as image:
            image.load()
            by_colour = image.mode == "P" and colours is not None and _holds_only(image, {VOID, *colours})
            read = image.convert("RGB") if by_colour else image
            mode, pixels = read.mode, np.array(read)
    except Exception as error:  # as in decoding: a damaged file may raise anything
        raise DatasetError(f"ground-truth mask {path}: cannot be read ({error}); replace or remove it") from None
    if mode not in _INDEX_MODES:
        known = {**voc_colours(), VOID: ignore} if colours is None else {VOID: ignore, **colours}
        return _of_colours(pixels, mode, path, known)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise DatasetError(f"ground-truth mask {path}: indices up to {pixels.max()}; at most 65535 can be used")
    return pixels.astype(np.uint8 if pixels.max() <= 255 else np.uint16)


def _holds_only(image: Image.Image, colours: Collection[Colour]) -> bool:
    """Whether every colour that occurs in a palette image is one of these."""
    palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    used = indices_in(np.array(image))
    return used[-1] < len(palette) and all(tuple(colour) in colours for colour in palette[used].tolist())


def indices_in(mask: IndexMask) -> list[int]:
    """The indices that occur in a mask, ascending."""
    there = np.zeros(np.iinfo(mask.dtype).max + 1, dtype=bool)
    there[mask] = True
    return [int(index) for index in np.flatnonzero(there)]


def check_indices(mask: IndexMask, mask_source: Path, n_classes: int, ignore: int | None) -> None:
    """Raise `DatasetError` if the mask holds an index that is neither a class nor `ignore`."""
    beyond = [index for index in indices_in(mask) if index >= n_classes and index != ignore]
    if beyond:
        listed = ", ".join(map(str, beyond[:8])) + (", ..." if len(beyond) > 8 else "")
        ignored = "" if ignore is None else f" (and {ignore} for ignored pixels)"
        raise DatasetError(
            f"ground truth {mask_source}: holds the class ids {listed}, but the {n_classes} classes, background "
            f"included, use 0 to {n_classes - 1}{ignored}; correct the mask or the list of classes"
        )


@lru_cache(maxsize=1)
def voc_colours() -> Mapping[Colour, int]:
    """Colour -> index in the palette of PASCAL VOC: the bits of the index, spread over the three channels."""

    def channel(index: int, first: int) -> int:
        return sum((index >> (3 * bit + first) & 1) << (7 - bit) for bit in range(3))

    return {(channel(k, 0), channel(k, 1), channel(k, 2)): k for k in range(256)}


def _of_colours(pixels: IndexMask, mode: str, path: Path, index_of: Mapping[Colour, int]) -> IndexMask:
    advice = "save it as a palette or single-channel PNG, or put CVAT's labelmap.txt with the colours beside masks/"
    if mode not in _COLOUR_MODES or (mode == "RGBA" and pixels[..., 3].min() < 255):
        what = "half-transparent colours" if mode == "RGBA" else f"colours (mode {mode})"
        raise DatasetError(f"ground-truth mask {path}: holds {what}, not class indices; {advice}")
    codes = pixels[..., :3].astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    found, inverse = np.unique(codes, return_inverse=True)
    seen = [(int(code) >> 16, int(code) >> 8 & 255, int(code) & 255) for code in found]
    unknown = [colour for colour in seen if colour not in index_of]
    if unknown:
        raise DatasetError(
            f"ground-truth mask {path}: holds colours (mode {mode}), and {len(unknown)} of them stand for no class, "
            f"such as red, green, blue {unknown[0]}; {advice}"
        )
    indices = np.array([index_of[colour] for colour in seen])
    return indices.astype(np.uint8 if indices.max() <= 255 else np.uint16)[inverse].reshape(codes.shape)
