"""Decisions that add objects: drawn in an image, or taken out of the mask of a proposal that holds several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.curation.decision_history import decide, decided_in
from comus_core.curation.image_masks import checked_mask, image_of_object, left_of_others, masks_of_image, size_of
from comus_core.curation.mask_redraw import counted_now
from comus_core.proposals import mask_edits
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.text import one_line
from comus_core.types import BoolMask, ImageId
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import drawn_id, next_number


@dataclass(frozen=True, eq=False)
class NewObject:
    """An object to add.

    Attributes:
        mask: (H, W) bool at the size of the image.
        category: id of an existing category, or the name of a new one; objects with the same name share it.
    """

    mask: BoolMask
    category: int | str


def draw(
    view: RunView,
    image_id: ImageId,
    objects: Sequence[NewObject],
    *,
    parent: str | None = None,
    based_on: int | None = None,
) -> Decisions:
    """Add objects to an image, in one decision; the artifact stays as it is.

    Masks of one image have no common pixels: proposals and earlier objects lose theirs to the drawn ones, and one of
    which nothing is left is erased. A drawn object has no feature: it is on no map and in no filter, always kept, and
    otherwise counts in its category like a proposal.

    Args:
        view: of the run.
        image_id: of the image, with or without proposals.
        objects: with masks that have no common pixels.
        parent: id of the proposal or object that they are parts of, if of one.
        based_on: version of the decisions that the person saw.

    Raises:
        SettingsError: no such image or category, a mask that is empty, of another size, overlaps another or has no
            pixel of its parent, an empty name, or a rejected category.
        ConflictError: someone else has changed one of the masks in the meantime.
    """
    require(image_id in view.image_row_of, f"no image {image_id} in this run")
    _checked(view, image_id, objects)

    def make(log: LogState) -> dict[str, Any]:
        if parent is not None:
            require(image_of_object(view, parent, log.state) == image_id, f"{parent} is in another image")
            own = masks_of_image(view, log.state, image_id)[parent]
            for new in objects:
                _require_part(parent, np.asarray(new.mask, bool) & own)
        return _payload(view, image_id, objects, parent, log)

    return counted_now(view, decide(view, "draw", _known(objects), based_on, make=make))


def separate(view: RunView, parent: str, parts: Sequence[NewObject], *, based_on: int | None = None) -> Decisions:
    """Take parts of a mask out as objects, in one decision; what they do not hold stays with the proposal.

    Args:
        view: of the run.
        parent: id of the proposal or drawn object.
        parts: what of their masks is inside its mask is taken.
        based_on: version of the decisions that the person saw.

    Raises:
        SettingsError: as `draw`; a part has no pixel of the mask, or nothing would be left of the mask.
        ConflictError: someone else has changed one of the masks in the meantime.
    """
    image_id = image_of_object(view, parent, decided_in(view))
    masks = [checked_mask(f"the part of {parent}", part.mask, size_of(view, image_id)) for part in parts]

    def make(log: LogState) -> dict[str, Any]:
        image_of_object(view, parent, log.state)  # a drawn object may have been undone since
        whole = masks_of_image(view, log.state, image_id)[parent]
        left, objects = whole.copy(), []
        for part, mask in zip(parts, masks, strict=True):
            inside = mask & whole
            _require_part(parent, inside)
            objects.append(NewObject(inside, part.category))
            left &= ~inside
        require(bool(left.any()), f"the parts are the whole mask of {parent}: move it to another category instead")
        _checked(view, image_id, objects)
        return _payload(view, image_id, objects, parent, log)

    return counted_now(view, decide(view, "draw", _known(parts), based_on, make=make))


def category_of(view: RunView, name: str, decided: Decisions) -> int | None:
    """The id of the category that a proposal or drawn object is in as decided; None for none.

    Raises:
        SettingsError: the run has neither.
    """
    image_of_object(view, name, decided)
    drawn = view.drawn(decided)
    if name in drawn.row_of:
        row = drawn.row_of[name]
        return int(drawn.id_of[row]) if drawn.category[row] >= 0 else None
    categories, row = view.categories(decided), view.row_of[name]
    return int(categories.id_of[row]) if categories.category[row] >= 0 else None


def _checked(view: RunView, image_id: ImageId, objects: Sequence[NewObject]) -> None:
    """Check the masks of new objects: of the right size, not empty, and without common pixels."""
    require(bool(objects), "draw: choose an object")
    size = size_of(view, image_id)
    taken = np.zeros(size, bool)
    for new in objects:
        mask = checked_mask(f"the new object in {image_id}", new.mask, size)
        require(not (taken & mask).any(), f"new objects in {image_id}: two of their masks overlap")
        taken |= mask


def _require_part(parent: str, inside: BoolMask) -> None:
    require(bool(inside.any()), f"the part has no pixel of the mask of {parent}: draw it as a new object instead")


def _payload(
    view: RunView, image_id: ImageId, objects: Sequence[NewObject], parent: str | None, log: LogState
) -> dict[str, Any]:
    """The event that adds checked objects: with their ids, their categories, and what is left of other masks."""
    first = next_number(image_id, log.state.layout.drawn)
    made, ids = _categories(objects, max(view.clusters - 1, log.highest_id) + 1)
    added = [
        [drawn_id(image_id, first + place), number, mask_edits.encoded(np.asarray(new.mask, bool)), parent]
        for place, (new, number) in enumerate(zip(objects, ids, strict=True))
    ]
    taken = np.any([np.asarray(new.mask, bool) for new in objects], axis=0)
    left = left_of_others(view, masks_of_image(view, log.state, image_id), [], taken)
    new_ones = {"made": list(made.values()), "names": list(made)} if made else {}
    return {"objects": added, "masks": left, **new_ones}


def _known(objects: Sequence[NewObject]) -> list[int]:
    """The ids of categories that must exist."""
    return [new.category for new in objects if isinstance(new.category, int)]


def _categories(objects: Sequence[NewObject], free: int) -> tuple[dict[str, int], list[int]]:
    """Name -> id of the new categories, from `free` on, and the category of each object."""
    made: dict[str, int] = {}
    ids = []
    for new in objects:
        if isinstance(new.category, str):
            name = one_line(new.category)
            require(bool(name), "the name of a new category must not be empty")
            ids.append(made.setdefault(name, free + len(made)))
        else:
            ids.append(int(new.category))
    return made, ids
