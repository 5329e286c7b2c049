"""Index masks from PNG files, checked against their classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from comus_core.datasets.class_lists import Colour
from comus_core.errors import DatasetError
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.types import IndexMask

_INDEX_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N")
_COLOUR_MODES = ("RGB", "RGBA")
VOID: Colour = (224, 224, 192)  # VOC's colour of ignored pixels


def read_index_mask(path: Path, colours: Mapping[Colour, int] | None = None, ignore: int = 255) -> IndexMask:
    """The indices of a PNG, (H, W) uint8 or uint16, in stored pixels.

    Args:
        path: a palette or grey PNG, read as stored; or a colour PNG, or a palette PNG whose used colours are all in
            `colours`.
        colours: the index of each colour; None for those of PASCAL VOC.
        ignore: the index of VOC's colour for ignored pixels, unless `colours` has it.

    Raises:
        DatasetError: the file cannot be read, or contains an unknown colour.
    """
    try:
        with Image.open(path) as image:
            image.load()
            by_colour = image.mode == "P" and colours is not None and _holds_only(image, {VOID, *colours})
            read = image.convert("RGB") if by_colour else image
            mode, pixels = read.mode, np.array(read)
    except Exception as error:  # as in decoding: a damaged file may raise anything
        pass_on_memory_fault(error, path)
        raise DatasetError(f"ground-truth mask {path}: cannot be read ({error}); replace or remove it") from None
    if mode not in _INDEX_MODES:
        index_of = {**voc_colours(), VOID: ignore} if colours is None else {VOID: ignore, **colours}
        return _of_colours(pixels, mode, path, index_of)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise DatasetError(f"ground-truth mask {path}: index {pixels.max()} is too large; use indices from 0 to 65535")
    return pixels.astype(np.uint8 if pixels.max() <= 255 else np.uint16)


def _holds_only(image: Image.Image, colours: Collection[Colour]) -> bool:
    """Whether all used colours of a palette image are among these."""
    palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    used = indices_in(np.array(image))
    return used[-1] < len(palette) and all(tuple(colour) in colours for colour in palette[used].tolist())


def indices_in(mask: IndexMask) -> list[int]:
    """The indices in a mask, ascending."""
    used = np.zeros(np.iinfo(mask.dtype).max + 1, dtype=bool)
    used[mask] = True
    return [int(index) for index in np.flatnonzero(used)]


def check_indices(mask: IndexMask, mask_source: Path, n_classes: int, ignore: int | None) -> None:
    """Raise `DatasetError` if the mask contains an index that is neither a class nor `ignore`."""
    beyond = [index for index in indices_in(mask) if index >= n_classes and index != ignore]
    if beyond:
        ids = ", ".join(map(str, beyond[:8])) + (", ..." if len(beyond) > 8 else "")
        ignored = "" if ignore is None else f" (and {ignore} for ignored pixels)"
        raise DatasetError(
            f"ground truth {mask_source}: contains the class ids {ids}, but the {n_classes} classes, including "
            f"background, have the ids 0 to {n_classes - 1}{ignored}; correct the mask or the class list"
        )


@lru_cache(maxsize=1)
def voc_colours() -> Mapping[Colour, int]:
    """Colour -> index in the palette of PASCAL VOC: the bits of the index, spread over the three channels."""

    def channel(index: int, first: int) -> int:
        return sum((index >> (3 * bit + first) & 1) << (7 - bit) for bit in range(3))

    return {(channel(k, 0), channel(k, 1), channel(k, 2)): k for k in range(256)}


def _of_colours(pixels: IndexMask, mode: str, path: Path, index_of: Mapping[Colour, int]) -> IndexMask:
    advice = "save it as a palette or single-channel PNG, or add CVAT's labelmap.txt with the colours beside masks/"
    if mode not in _COLOUR_MODES or (mode == "RGBA" and pixels[..., 3].min() < 255):
        content = "half-transparent colours" if mode == "RGBA" else f"colours (mode {mode})"
        raise DatasetError(f"ground-truth mask {path}: contains {content}, not class indices; {advice}")
    codes = pixels[..., :3].astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    unique_codes, inverse = np.unique(codes, return_inverse=True)
    unique_colours = [(int(code) >> 16, int(code) >> 8 & 255, int(code) & 255) for code in unique_codes]
    unknown = [colour for colour in unique_colours if colour not in index_of]
    if unknown:
        raise DatasetError(
            f"ground-truth mask {path}: contains colours (mode {mode}), {len(unknown)} of which belong to no class, "
            f"such as red, green, blue {unknown[0]}; {advice}"
        )
    indices = np.array([index_of[colour] for colour in unique_colours])
    return indices.astype(np.uint8 if indices.max() <= 255 else np.uint16)[inverse].reshape(codes.shape)
