"""Index masks from PNG files, checked against their image and their classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from comus_core.errors import DatasetError
from comus_core.images.decoding import size_hw
from comus_core.types import IndexMask

_INDEX_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N")


def read_index_mask(path: Path) -> IndexMask:
    """The indices of a palette or grey PNG, (H, W) uint8 or uint16, as stored.

    Raises:
        DatasetError: the file cannot be read, or holds colours rather than indices.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in _INDEX_MODES:
                raise DatasetError(
                    f"ground-truth mask {path}: holds colours (mode {image.mode}), not class indices; "
                    "save it as a palette or single-channel PNG"
                )
            image.load()
            indices = np.array(image)
    except DatasetError:
        raise
    except Exception as error:  # as in decoding: a damaged file may raise anything
        raise DatasetError(f"ground-truth mask {path}: cannot be read ({error}); replace or remove it") from None
    if indices.min() < 0 or indices.max() > 65535:
        raise DatasetError(f"ground-truth mask {path}: indices up to {indices.max()}; at most 65535 can be used")
    return indices.astype(np.uint8 if indices.max() <= 255 else np.uint16)


def check_size(mask: IndexMask, mask_source: Path, image: Path) -> None:
    """Raise `DatasetError` unless the mask has the size of the decoded (upright) image."""
    height, width = size_hw(image)
    if mask.shape != (height, width):
        raise DatasetError(
            f"ground truth {mask_source}: its mask is {mask.shape[1]} x {mask.shape[0]} pixels, but the image {image} "
            f"is {width} x {height} once upright; make both equal (a mask is not turned by the image's EXIF tag)"
        )


def check_indices(mask: IndexMask, mask_source: Path, n_classes: int, ignore: int | None) -> None:
    """Raise `DatasetError` if the mask holds an index that is neither a class nor `ignore`."""
    found = np.flatnonzero(np.bincount(mask.ravel()))
    beyond = [int(index) for index in found if index >= n_classes and index != ignore]
    if beyond:
        listed = ", ".join(map(str, beyond[:8])) + (", ..." if len(beyond) > 8 else "")
        ignored = "" if ignore is None else f" (and {ignore} for ignored pixels)"
        raise DatasetError(
            f"ground truth {mask_source}: holds the class ids {listed}, but the {n_classes} classes, background "
            f"included, use 0 to {n_classes - 1}{ignored}; correct the mask or the list of classes"
        )
