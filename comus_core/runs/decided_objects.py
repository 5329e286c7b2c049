"""The objects of a run as decided, in one table: what the detector found, and after it what a person drew."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from comus_core.proposals.table import Proposals
from comus_core.runs.categories import Categories
from comus_core.runs.drawn_objects import DrawnObjects
from comus_core.runs.redrawn_masks import JoinedMasks
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import BoolMask, FloatArray, ImageId, IntArray, StrArray
from comus_core.workspace.decisions import Decisions

A = TypeVar("A", bound=np.ndarray[Any, Any])


@dataclass(frozen=True, eq=False)
class DecidedObjects:
    """n proposals in the order of the run's table, then m drawn objects by image and number; erased ones too.

    Masks of one image have no common pixels. Where nothing is drawn the columns are those of the run, not copies: treat
    every array as read-only.

    Attributes:
        view: the run.
        decided: its decisions.
    """

    view: RunView
    decided: Decisions

    def __len__(self) -> int:
        return len(self.view) + len(self.drawn)

    @property
    def drawn(self) -> DrawnObjects:
        """The m drawn objects."""
        return self.view.drawn(self.decided)

    @cached_property
    def masks(self) -> Proposals:
        """Ids, images, boxes, areas and masks as decided, n + m rows; the score of a drawn object is NaN."""
        own, drawn = self.view.masks(self.decided), self.drawn.proposals
        if not len(drawn):
            return own
        names = (name for name in Proposals.__dataclass_fields__ if name != "rle")
        columns = {name: np.concatenate([getattr(own, name), getattr(drawn, name)]) for name in names}
        return replace(own, **columns, rle=JoinedMasks(own.rle, drawn.rle))

    @cached_property
    def ids(self) -> StrArray:
        """(n + m,) such as `2007_000032#0`, or `2007_000032#d1` of a drawn one."""
        return self._joined(self.view.proposals.proposal_id, self.drawn.ids)

    @cached_property
    def image_id(self) -> StrArray:
        """(n + m,) the image of each."""
        return self._joined(self.view.proposals.image_id, self.drawn.proposals.image_id)

    @cached_property
    def id_of(self) -> IntArray:
        """(n + m,) int32 stable id of the category, that of a rejected one too; −1 in none."""
        return self._joined(self._categories.id_of, self.drawn.id_of)

    @cached_property
    def category(self) -> IntArray:
        """(n + m,) int32 dense category 0…C−1, −1 in none or in a rejected one."""
        return self._joined(self._categories.category, self.drawn.category)

    @cached_property
    def core(self) -> BoolMask:
        """(n + m,) which are in the core under the decided filter; drawn ones in a category always are."""
        return self._joined(self.view.kept(self.decided), self.drawn.category >= 0)

    @cached_property
    def distance(self) -> FloatArray:
        """(n + m,) float32 cosine distance to the centre of the category; NaN of a drawn one, which has no features."""
        return self._joined(self._categories.distance, np.full(len(self.drawn), np.nan, np.float32))

    @cached_property
    def accepted(self) -> BoolMask:
        """(n + m,) which a person accepted."""
        return self._among(self.decided.layout.accepted)

    @cached_property
    def redrawn(self) -> BoolMask:
        """(n + m,) whose mask a person drew, or a drawn one left of it."""
        return self._among(self.decided.layout.redrawn)

    @cached_property
    def by_hand(self) -> BoolMask:
        """(n + m,) which a person moved to their category, or whose mask a person drew or changed."""
        by_hand: BoolMask = self.redrawn | self._joined(self._categories.by_hand, np.ones(len(self.drawn), bool))
        return by_hand

    @cached_property
    def erased(self) -> BoolMask:
        """(n + m,) which a person erased."""
        return self._joined(self._categories.erased, self.drawn.erased)

    @cached_property
    def excluded(self) -> BoolMask:
        """(n + m,) which are of excluded images."""
        gone = self.decided.layout.excluded
        of_drawn = np.array([i in gone for i in self.drawn.proposals.image_id], bool)
        return self._joined(self._categories.excluded, of_drawn)

    @cached_property
    def truth_class(self) -> IntArray:
        """(n + m,) as `RunView.truth_class`, of the masks as decided.

        Raises:
            DatasetError: as `RunView.counts_of`.
        """
        drawn = self.view.drawn_truth_class(self.decided) if len(self.drawn) else self.drawn.category
        return self._joined(self.view.truth_class_of(self.decided), drawn)

    @cached_property
    def used(self) -> BoolMask:
        """(n + m,) which are in a category, and something is left of their masks."""
        used: BoolMask = (self.category >= 0) & (self.masks.area > 0)
        return used

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Id -> row."""
        if not len(self.drawn):
            return self.view.row_of
        first = len(self.view)
        return self.view.row_of | {i: first + row for i, row in self.drawn.row_of.items()}

    @cached_property
    def rows_of_image(self) -> dict[ImageId, list[int]]:
        """Image id -> rows of its objects; an image without any is not in it."""
        own, first = self.view.rows_of_image, len(self.view)
        if not len(self.drawn):
            return own
        drawn = self.drawn.rows_of_image
        return own | {i: [*own.get(i, []), *(first + row for row in rows)] for i, rows in drawn.items()}

    def find(self, object_id: str) -> int | None:
        """Row of an object; None if there is none of that id. It builds no table of all, as `row_of` does."""
        row = self.view.row_of.get(object_id)
        if row is not None or object_id not in self.drawn.row_of:
            return row
        return len(self.view) + self.drawn.row_of[object_id]

    def of_image(self, image_id: ImageId) -> list[int]:
        """Rows of the objects of an image that are there: not erased, with a mask; none of an excluded image.

        Raises:
            SettingsError: the run has no such image.
        """
        require(image_id in self.view.image_row_of, f"no image {image_id} in this run")
        if image_id in self.decided.layout.excluded:
            return []
        rows = self.rows_of_image.get(image_id, [])
        return [row for row in rows if not self.erased[row] and self.masks.area[row] > 0]

    def parent(self, row: int) -> str:
        """Id of what a drawn object was taken from, "" for none."""
        return str(self.drawn.parent[row - len(self.view)]) if row >= len(self.view) else ""

    @cached_property
    def _categories(self) -> Categories:
        return self.view.categories(self.decided)

    def _joined(self, own: A, drawn: A) -> A:
        if not len(drawn):
            return own
        both: Any = np.concatenate([own, drawn])
        joined: A = both
        return joined

    def _among(self, names: Container[str]) -> BoolMask:
        return np.array([i in names for i in self.ids], bool) if names else np.zeros(len(self), bool)


def decided_objects(view: RunView, decided: Decisions) -> DecidedObjects:
    """The table of a run's objects under some decisions."""
    return DecidedObjects(view, decided)
