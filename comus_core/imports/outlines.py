"""The outline of an imported object: run lengths, polygons or a box, drawn when the size of its image is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.datasets.coco_outlines import draw, is_drawable, size_of_runs
from comus_core.types import BoolMask


@dataclass(frozen=True, slots=True)
class Parts:
    """COCO polygons and run lengths; an object is all their pixels.

    Attributes:
        parts: flat polygons [x, y, x, y, …] in pixels, and run lengths {size, counts}.
        shares: whether the polygons are in shares of the image's width and height instead.
        of_polygon: whether the run lengths are those of a polygon, as its tool fills it.
    """

    parts: tuple[Any, ...]
    shares: bool = False
    of_polygon: bool = False

    @property
    def exact(self) -> bool:
        """Whether it says which pixels, as run lengths do; a polygon says where the edge runs."""
        return not self.of_polygon and all(isinstance(part, dict) for part in self.parts)

    def drawn(self, size_hw: tuple[int, int]) -> BoolMask:
        """All its pixels, (H, W) bool; what lies outside of the image is cut off.

        Raises:
            ValueError: run lengths of another size, or corners that are not numbers.
        """
        parts = [_scaled(part, size_hw) for part in self.parts] if self.shares else list(self.parts)
        stated = size_of_runs(parts)
        if stated is not None and stated != size_hw:
            turned = "; it seems to be rotated as EXIF says" if stated == size_hw[::-1] else ""
            raise ValueError(
                f"its mask has {stated[0]} x {stated[1]} pixels (height x width), its image {size_hw[0]} x "
                f"{size_hw[1]}{turned}"
            )
        return draw([_as_integers(part) for part in parts], size_hw)


@dataclass(frozen=True, slots=True)
class Box:
    """A box without a mask: x0, y0, x1, y1 in pixels, end exclusive; or in shares of the image's width and height."""

    x0: float
    y0: float
    x1: float
    y1: float
    shares: bool = False

    def pixels(self, size_hw: tuple[int, int]) -> tuple[float, float, float, float]:
        """The box in pixels.

        Raises:
            ValueError: no number, or nothing inside.
        """
        height, width = size_hw if self.shares else (1, 1)
        box = (self.x0 * width, self.y0 * height, self.x1 * width, self.y1 * height)
        if not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
            raise ValueError(f"the box {tuple(round(v, 2) for v in box)} encloses nothing")
        return box

    def drawn(self, size_hw: tuple[int, int]) -> BoolMask:
        """Every pixel whose centre is inside, (H, W) bool.

        Raises:
            ValueError: no number, or nothing inside.
        """
        x0, y0, x1, y1 = self.pixels(size_hw)
        mask = np.zeros(size_hw, bool)
        rows, columns = (slice(max(round(a), 0), max(round(b), 0)) for a, b in ((y0, y1), (x0, x1)))
        mask[rows, columns] = True
        return mask


Outline = Parts | Box


def of_mask(mask: BoolMask) -> Parts:
    """A mask, (H, W) bool, as run lengths."""
    counts: bytes = coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"]
    return Parts(({"size": list(mask.shape), "counts": counts.decode()},))


def placed(mask: BoolMask, left: int, top: int, size_hw: tuple[int, int]) -> Parts:
    """A mask of a part of an image, put where it belongs.

    Raises:
        ValueError: it reaches beyond the image, or the image is larger than any readable one.
    """
    height, width = mask.shape
    if not is_drawable(*size_hw):
        raise ValueError(f"the image of {size_hw[0]} x {size_hw[1]} pixels is larger than the largest readable image")
    if left < 0 or top < 0 or top + height > size_hw[0] or left + width > size_hw[1]:
        raise ValueError(
            f"its mask of {height} x {width} pixels at row {top}, column {left} reaches beyond its image of "
            f"{size_hw[0]} x {size_hw[1]}"
        )
    whole = np.zeros(size_hw, bool)
    whole[top : top + height, left : left + width] = mask
    return of_mask(whole)


def _scaled(part: Any, size_hw: tuple[int, int]) -> Any:
    if not isinstance(part, list):
        return part
    height, width = size_hw
    return [value * (height if place % 2 else width) for place, value in enumerate(part)]


def _as_integers(part: Any) -> Any:
    """Run lengths whose numbers are written as floats, such as 480.0, with whole numbers."""
    if not isinstance(part, dict):
        return part
    counts = part.get("counts")
    if isinstance(counts, list):
        counts = [_whole(value) for value in counts]
    return {"size": [int(value) for value in part["size"]], "counts": counts} if part.get("size") else part


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
