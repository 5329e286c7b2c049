"""Decisions on the shape of a mask: a person's own in place of the detector's, and the edits that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from comus_core.curation.decision_history import decide, decided_in
from comus_core.curation.image_masks import (
    as_stored,
    checked_mask,
    image_of_object,
    left_of_others,
    masks_of_image,
    size_of,
)
from comus_core.errors import ComusError, WorkspaceError
from comus_core.proposals import mask_edits
from comus_core.runs.artifact_readers import read_soft_map_files, soft_map_of
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import BoolMask, ImageId
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import is_drawn_id


def redraw(view: RunView, proposal: str, mask: BoolMask, *, based_on: int | None = None) -> Decisions:
    """Replace the mask of a proposal or of a drawn object; the artifact stays as it is.

    Masks of one image have no common pixels: others lose theirs to the drawn mask, and one of which nothing is left is
    erased. Its category, its place on the map and its distance stay.

    Args:
        view: of the run.
        proposal: its id.
        mask: (H, W) bool at the size of the image.
        based_on: version of the decisions that the person saw.

    Raises:
        SettingsError: no such proposal, an empty mask, another size, or the mask that it has already.
        ConflictError: someone else has changed one of the masks in the meantime.
    """
    image_id = image_of_object(view, proposal, decided_in(view))
    drawn = checked_mask(proposal, mask, size_of(view, image_id))

    def make(log: LogState) -> dict[str, Any]:
        masks = masks_of_image(view, log.state, image_id)
        require(proposal in masks, f"drawn object {proposal} was undone: draw it again")
        unchanged = np.array_equal(drawn, masks[proposal])
        require(not unchanged, f"mask of {proposal}: it is unchanged; there is nothing to save")
        return {"masks": [as_stored(view, proposal, drawn), *left_of_others(view, masks, [proposal], drawn)]}

    return counted_now(view, decide(view, "redraw", [], based_on, make=make))


def counted_now(view: RunView, decided: Decisions) -> Decisions:
    """The decisions; their masks are counted now, while the ground truth is there, else when a score needs it."""
    with suppress(ComusError):
        view.counts_of(decided)
    return decided


def reset_mask(view: RunView, proposal: str, *, based_on: int | None = None) -> Decisions:
    """Give a proposal the detector's mask back; see `redraw`.

    Raises:
        SettingsError: no such proposal, or it has that mask.
        ConflictError: someone else has changed one of the masks in the meantime.
    """
    return redraw(view, proposal, original_mask(view, proposal), based_on=based_on)


def original_mask(view: RunView, proposal: str) -> BoolMask:
    """The detector's mask of a proposal, (H, W) bool.

    Raises:
        SettingsError: no such proposal, or a drawn object, which the detector did not find.
    """
    require(not is_drawn_id(proposal), f"{proposal} was drawn: the detector has no mask of it; erase it to remove it")
    require(proposal in view.row_of, f"no proposal {proposal} in this run; ids are such as 2007_000032#0")
    return view.proposals.mask(view.row_of[proposal])


def mask_of(view: RunView, proposal: str, decided: Decisions) -> BoolMask:
    """The mask of a proposal or a drawn object as decided, (H, W) bool.

    Raises:
        SettingsError: no such proposal.
    """
    image_of_object(view, proposal, decided)
    drawn = view.drawn(decided)
    if proposal in drawn.row_of:
        return drawn.proposals.mask(drawn.row_of[proposal])
    return view.masks(decided).mask(view.row_of[proposal])


def has_soft_map(view: RunView, image_id: ImageId) -> bool:
    """Whether `at_threshold` has a soft map to cut."""
    try:
        return bool(_soft_maps(view, image_id))
    except WorkspaceError:
        return False


def at_threshold(view: RunView, proposal: str, threshold: float, decided: Decisions) -> BoolMask:
    """The parts of the soft map above another threshold that touch the mask, without the pixels of other objects.

    Raises:
        SettingsError: no such proposal, or no pixel there is above the threshold.
        WorkspaceError: the soft maps of the run are gone.
    """
    image_id = image_of_object(view, proposal, decided)
    masks = masks_of_image(view, decided, image_id)
    mask = masks.pop(proposal)
    near = mask if mask.any() or is_drawn_id(proposal) else original_mask(view, proposal)
    return threshold_near(view, image_id, near, list(masks.values()), threshold)


def threshold_near(
    view: RunView, image_id: ImageId, near: BoolMask, others: Sequence[BoolMask], threshold: float
) -> BoolMask:
    """The parts of an image's soft map above a threshold that touch a mask, without the pixels of others.

    Raises:
        SettingsError: the image has no soft map, or no pixel there is above the threshold.
        WorkspaceError: the soft maps of the run are gone.
    """
    files = _soft_maps(view, image_id)
    require(image_id in files, f"image {image_id} has no soft map: draw the mask instead")
    resize = view.run.config.saliency.resize
    found = mask_edits.thresholded(soft_map_of(files[image_id]), near, threshold, resize)
    for other in others:
        found &= ~other
    require(bool(found.any()), f"threshold {threshold:g}: no pixel of this object has more; choose a lower one")
    return found


def _soft_maps(view: RunView, image_id: ImageId) -> dict[str, bytes]:
    return read_soft_map_files(view.workspace.artifact(view.run, "soft_maps"), [image_id])
