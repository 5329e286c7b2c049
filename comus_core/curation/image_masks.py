"""The masks of an image before a decision, and what a drawn mask leaves of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comus_core.proposals import mask_edits
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import BoolMask, ImageId
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import is_drawn_id
from comus_core.workspace.layout import COVERED, image_of

Changed = list[list[str | None]]  # [id, packed run lengths, None for the detector's mask] each


def image_of_object(view: RunView, name: str, decided: Decisions) -> ImageId:
    """The image of a proposal or a drawn object.

    Raises:
        SettingsError: the run has neither.
    """
    if name in view.row_of:
        return str(view.proposals.image_id[view.row_of[name]])
    known = name in decided.layout.drawn and image_of(name) in view.image_row_of
    kind = "drawn object" if is_drawn_id(name) else "proposal"
    require(known, f"no {kind} {name} in this run; ids are such as 2007_000032#0, and 2007_000032#d1 of a drawn one")
    return image_of(name)


def size_of(view: RunView, image_id: ImageId) -> tuple[int, int]:
    """Height and width of an image."""
    height, width = view.image_sizes[view.image_row_of[image_id]]
    return int(height), int(width)


def masks_of_image(view: RunView, decided: Decisions, image_id: ImageId) -> dict[str, BoolMask]:
    """Id -> mask of every proposal and drawn object of an image, erased ones too: they have no common pixels."""
    masks, drawn = view.masks(decided), view.drawn(decided)
    ids = view.proposals.proposal_id
    found = {str(ids[row]): masks.mask(row) for row in view.rows_of_image.get(image_id, [])}
    return found | {str(drawn.ids[row]): drawn.proposals.mask(row) for row in drawn.rows_of_image.get(image_id, [])}


def left_of_others(view: RunView, masks: dict[str, BoolMask], but: Sequence[str], drawn: BoolMask) -> Changed:
    """What is left of the masks that lose pixels to a drawn one; those of `but` keep theirs."""
    others = [name for name in masks if name not in but]
    left = mask_edits.without([masks[name] for name in others], drawn)
    return [as_stored(view, others[place], mask) for place, mask in left.items()]


def as_stored(view: RunView, name: str, mask: BoolMask) -> list[str | None]:
    """Id and run lengths; None for the detector's mask, so that a mask that is back leaves no trace."""
    if not mask.any():
        return [name, COVERED]
    row = view.row_of.get(name)
    same = row is not None and np.array_equal(mask, view.proposals.mask(row))
    return [name, None if same else mask_edits.encoded(mask)]


def checked_mask(name: str, mask: BoolMask, size_hw: tuple[int, int]) -> BoolMask:
    """The mask, if it has the size of its image and is not empty.

    Raises:
        SettingsError: it does not, or is.
    """
    drawn = np.asarray(mask, bool)
    require(
        drawn.shape == size_hw,
        f"mask of {name}: it has {' x '.join(map(str, drawn.shape))} pixels (height x width), its image has "
        f"{size_hw[0]} x {size_hw[1]}",
    )
    require(bool(drawn.any()), f"mask of {name}: it is empty; erase an object to remove it")
    return drawn
