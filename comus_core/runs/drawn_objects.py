"""The objects that a person drew, beside the proposals of a run: they have masks and categories, but no features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.proposals.mask_edits import encoded
from comus_core.proposals.table import Proposals
from comus_core.runs.categories import label_map
from comus_core.types import BoolMask, ImageId, IntArray, StrArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import number_of
from comus_core.workspace.layered import LayeredMap
from comus_core.workspace.layout import COVERED, REJECTED, Layout, image_of


@dataclass(frozen=True, eq=False)
class DrawnObjects:
    """m drawn objects, erased ones too, by image and number. Treat every array as read-only.

    Attributes:
        proposals: m rows with their masks, boxes and areas, as a table of proposals; the score is NaN. The box of a
            mask of which nothing is left is empty.
        id_of: (m,) int32 the stable id of each category, that of a rejected one too; −1 in none: rejected, erased, or
            of an excluded image.
        category: (m,) int32 dense category 0…C−1, −1 in none or in a rejected one.
        erased: (m,) bool.
        parent: (m,) str, the id of what each was taken from, "" for none.
    """

    proposals: Proposals
    id_of: IntArray
    category: IntArray
    erased: BoolMask
    parent: StrArray

    def __len__(self) -> int:
        return len(self.proposals)

    @property
    def ids(self) -> StrArray:
        """(m,) their ids."""
        return self.proposals.proposal_id

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Id -> row."""
        return {str(name): row for row, name in enumerate(self.ids)}

    @cached_property
    def rows_of_image(self) -> dict[ImageId, list[int]]:
        """Image id -> rows of its objects."""
        rows: dict[ImageId, list[int]] = {}
        for row, image_id in enumerate(self.proposals.image_id):
            rows.setdefault(str(image_id), []).append(row)
        return rows

    def of_image(self, image_id: ImageId) -> IntArray:
        """Rows of the objects in an image that are not erased."""
        rows = np.array(self.rows_of_image.get(image_id, []), np.int64)
        return rows[~self.erased[rows]]

    def joined(
        self, image_id: ImageId, proposals: Proposals, category: IntArray, kept: BoolMask
    ) -> tuple[Proposals, IntArray, BoolMask]:
        """The proposals of an image and after them its drawn objects, with categories and what is kept, for a mask.

        Args:
            image_id: of the image.
            proposals: k of its proposals.
            category: (k,) dense, −1 in none.
            kept: (k,) bool.
        """
        rows = self.of_image(image_id)
        if not len(rows):
            return proposals, category, kept
        own = self.category[rows]
        return (
            stacked(proposals, self.proposals[rows]),
            np.concatenate([category, own]).astype(np.int32),
            np.concatenate([kept, own >= 0]),
        )


def drawn_objects(layout: Layout, clusters: int, size_of: Mapping[ImageId, Sequence[int]]) -> DrawnObjects:
    """The drawn objects as decided.

    Args:
        layout: the decisions.
        clusters: K.
        size_of: image id -> height and width; objects of other images are left out.
    """
    drawn = LayeredMap.of(layout.drawn).plain()
    names = sorted((image_of(i), number_of(i), i) for i in drawn if image_of(i) in size_of)
    ids = [i for _, _, i in names]
    erased = np.array([i in layout.erased for i in ids], bool)
    gone = erased | np.array([image in layout.excluded for image, _, _ in names], bool)
    raw = np.array([layout.moved.get(i, drawn[i]) for i in ids], np.int64)
    raw[gone] = REJECTED
    id_of = np.array([layout.into.get(int(k), int(k)) for k in raw], np.int32)
    category = label_map(Decisions(layout=layout), clusters).categories(raw) if len(raw) else np.zeros(0, np.int32)
    parents = np.array([layout.parent.get(i, "") for i in ids], object)
    return DrawnObjects(_table(names, layout, size_of), id_of, category, erased, parents)


def stacked(first: Proposals, second: Proposals) -> Proposals:
    """The rows of both, with their masks in memory."""
    names = Proposals.__dataclass_fields__
    return Proposals(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))


def _table(
    names: Sequence[tuple[str, int, str]], layout: Layout, size_of: Mapping[ImageId, Sequence[int]]
) -> Proposals:
    sizes = np.array([size_of[image] for image, _, _ in names], np.int32).reshape(-1, 2)
    masks: StrArray = np.empty(len(names), object)
    areas, boxes = np.zeros(len(names), np.int64), np.zeros((len(names), 4), np.int32)
    for row, ((_, _, name), (height, width)) in enumerate(zip(names, sizes.tolist(), strict=True)):
        text = layout.redrawn[name]
        masks[row] = (encoded(np.zeros((height, width), bool)) if text == COVERED else text).encode()
        rle = {"size": [height, width], "counts": masks[row]}
        areas[row] = int(coco_mask.area(rle))
        x, y, w, h = (int(v) for v in coco_mask.toBbox(rle))
        boxes[row] = (x, y, x + w, y + h) if areas[row] else (0, 0, 0, 0)
    return Proposals(
        image_id=np.array([image for image, _, _ in names], object),
        proposal_id=np.array([name for _, _, name in names], object),
        box_xyxy=boxes,
        area=areas,
        score=np.full(len(names), np.nan, np.float32),
        size_hw=sizes,
        rle=masks,
    )
