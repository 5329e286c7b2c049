"""COCO outlines, polygons or run lengths, as masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from comus_core.datasets import coco_rle
from comus_core.errors import SettingsError
from comus_core.types import BoolMask

Box = tuple[float, float, float, float]  # x, y, width, height in pixels
_LARGEST = 1e15  # an integer above the range of float64 cannot be asked whether it is finite
_FAR = 100  # largest distance of a corner, in longer sides of the image


def parts_of(segmentation: Any) -> list[Any]:
    """The parts of an outline: polygons of three corners or more, and run lengths; empty if it encloses nothing.

    A flat list of numbers or of pairs is one polygon, as some tools write it; four numbers are two corners or a box,
    not an outline.

    Raises:
        ValueError: it is not a COCO segmentation.
    """
    if segmentation is None or segmentation == "":
        return []
    if isinstance(segmentation, dict):
        return [segmentation] if segmentation.get("counts") else []
    if not isinstance(segmentation, list):
        raise ValueError(f"{segmentation!r:.40} is neither polygons nor run lengths")
    if segmentation and (_is_numbers(segmentation) or (len(segmentation) >= 3 and all(map(_is_pair, segmentation)))):
        segmentation = [segmentation]
    for part in segmentation:
        if not isinstance(part, dict | list):
            raise ValueError(f"{part!r:.40} is neither a polygon nor run lengths")
    flat = [_flat(part) for part in segmentation]
    return [part for part in flat if (part.get("counts") if isinstance(part, dict) else len(part) >= 6)]


def draw(parts: Sequence[Any], size_hw: tuple[int, int]) -> BoolMask:
    """All pixels of the parts, (H, W) bool.

    Raises:
        ValueError: run lengths of another size, or corners that are not numbers.
    """
    polygons = [_corners(part, size_hw) for part in parts if isinstance(part, list)]
    regions = [_runs(part, size_hw) for part in parts if isinstance(part, dict)]
    if polygons:
        drawn = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, *size_hw)))
        regions.append(np.asarray(drawn, dtype=bool))
    return regions[0] if len(regions) == 1 else np.logical_or.reduce([np.zeros(size_hw, dtype=bool), *regions])


def draw_box(box: Box, size_hw: tuple[int, int]) -> BoolMask:
    """Every pixel that a box touches, (H, W) bool."""
    x, y, width, height = box
    mask = np.zeros(size_hw, dtype=bool)
    mask[
        max(math.floor(y), 0) : max(math.ceil(y + height), 0), max(math.floor(x), 0) : max(math.ceil(x + width), 0)
    ] = 1
    return mask


def box_of(annotation: dict[str, Any]) -> Box | None:
    """The box of an annotation; None if it has none, or one without area."""
    values = annotation.get("bbox")
    if not isinstance(values, list) or len(values) != 4:
        return None
    if not all(isinstance(value, int | float) and abs(value) < _LARGEST for value in values):
        return None
    x, y, width, height = (float(value) for value in values)
    return (x, y, width, height) if width > 0 and height > 0 else None


def size_of_runs(parts: Sequence[Any]) -> tuple[int, int] | None:
    """(height, width) of the run lengths among the parts, or None if none states it.

    Raises:
        ValueError: an impossible size.
    """
    sizes = [part["size"] for part in parts if isinstance(part, dict) and part.get("size") is not None]
    for size in sizes:
        is_pair = isinstance(size, list) and len(size) == 2 and all(map(_is_length, size))
        if not is_pair:
            raise ValueError(f"the size {size!r:.60} of its run lengths is not [height, width] in pixels")
        if not is_drawable(int(size[0]), int(size[1])):
            raise ValueError(f"the size {size!r:.60} of its run lengths is more than the largest readable image")
    return (int(sizes[0][0]), int(sizes[0][1])) if sizes else None


def is_drawable(height: int, width: int) -> bool:
    """Whether a mask of this size has no more pixels than the largest readable image."""
    return Image.MAX_IMAGE_PIXELS is None or height * width <= Image.MAX_IMAGE_PIXELS


def _flat(part: Any) -> Any:
    """A polygon of pairs as numbers in a row; any other part as it is."""
    return list(chain.from_iterable(part)) if isinstance(part, list) and part and all(map(_is_pair, part)) else part


def _is_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, int | float) for value in values)


def _is_length(value: Any) -> bool:
    """Whether a value is an integer from 1; some tools write 480.0."""
    return type(value) in (int, float) and 1 <= value < _LARGEST and value == int(value)


def _is_pair(value: Any) -> bool:
    return _is_numbers(value) and len(value) == 2


def _corners(part: list[Any], size_hw: tuple[int, int]) -> list[float]:
    if len(part) % 2:
        raise ValueError(f"a polygon of {len(part)} numbers, which are not pairs of x and y")
    limit = _FAR * max(*size_hw, 1000)
    odd = [value for value in part if type(value) not in (int, float) or not -limit <= value <= limit]
    if odd:
        raise ValueError(f"a polygon with the coordinate {odd[0]!r:.40}")
    return part


def _runs(part: dict[str, Any], size_hw: tuple[int, int]) -> BoolMask:
    height, width = size_hw
    if list(part.get("size") or []) != [height, width]:
        raise ValueError(
            f"its run lengths have size {part.get('size')} (height, width), the image has [{height}, {width}]"
        )
    try:
        return coco_rle.decode(part["counts"], size_hw)
    except SettingsError as error:
        raise ValueError(str(error)) from None
