"""The objects in the masks of a round: each connected part of a category is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from scipy import ndimage

from comus_core.export.object_source import Scope, SourceImage
from comus_core.export.records import ExportObject
from comus_core.proposals.table import tight_box
from comus_core.types import BoolMask, FloatArray, ImageId, IndexMask, IntArray
from comus_core.workspace import Artifact

ReadMask = Callable[[ImageId], tuple[IndexMask, FloatArray]]  # (H, W) 0 background, category + 1; (H, W) confidence


class RoundObjects:
    """See `ObjectSource`. Objects touch along the sides of pixels (4 neighbours), as in training."""

    def __init__(
        self,
        number: int,
        images: Sequence[SourceImage],
        checked: Artifact,
        categories: Sequence[tuple[int, str]],
        read: ReadMask,
        about: Mapping[str, Any],
        scope: Scope,
    ) -> None:
        self.images, self.checked = images, checked
        self._number, self._all, self._read = number, categories, read
        self.about = {"round": number, **about}
        self.categories = [entry for entry in categories if not scope.categories or entry[0] in scope.categories]

    def holds(self, image_id: ImageId) -> bool:
        """Always: what is in a mask is known when it is read."""
        return True

    def objects(self, image_id: ImageId) -> list[ExportObject]:
        """The connected parts of each category, category by category."""
        mask, sure = self._read(image_id)
        wanted = {k for k, _ in self.categories}
        found: list[ExportObject] = []
        for number, (category, _) in enumerate(self._all, 1):
            if category not in wanted:
                continue
            parts, count = ndimage.label(mask == number)
            boxes = ndimage.find_objects(parts)
            for part in range(1, count + 1):
                name = f"{image_id}@{self._number}#{len(found)}"
                found.append(_object(name, image_id, category, (parts, part), boxes[part - 1], sure))
        return found


def _object(
    name: str,
    image_id: ImageId,
    category: int,
    part: tuple[IntArray, int],
    box: tuple[slice, slice],
    sure: FloatArray,
) -> ExportObject:
    parts, number = part
    inside = parts[box] == number
    rows, columns = box
    x0, y0, x1, y1 = tight_box(inside)
    return ExportObject(
        id=name,
        image_id=image_id,
        category=category,
        rle=runs_of_crop(inside, (rows.start, columns.start), (parts.shape[0], parts.shape[1])),
        size_hw=(parts.shape[0], parts.shape[1]),
        box_xyxy=(columns.start + x0, rows.start + y0, columns.start + x1, rows.start + y1),
        area=int(inside.sum()),
        score=round(float(sure[box][inside].mean()), 6),
    )


def runs_of_crop(crop: BoolMask, corner_yx: tuple[int, int], size_hw: tuple[int, int]) -> bytes:
    """COCO's packed run lengths of a mask that is `crop` (h, w) at a corner and else empty, without the whole mask."""
    (top, left), (height, width) = corner_yx, size_hw
    edges = np.diff(crop.T.astype(np.int8), axis=1, prepend=0, append=0)  # column by column
    columns, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    first = (columns + left) * height + top
    bounds = np.stack([first + starts, first + ends], axis=1).ravel()
    joined = np.flatnonzero(bounds[1:-1:2] == bounds[2::2])  # a run that reaches the bottom goes on at the top
    bounds = np.delete(bounds, np.concatenate([2 * joined + 1, 2 * joined + 2]))
    lengths = np.diff(bounds, prepend=0, append=height * width).tolist()
    runs = {"size": [height, width], "counts": lengths if lengths[-1] else lengths[:-1]}
    packed: bytes = coco_mask.frPyObjects(runs, height, width)["counts"]
    return packed
