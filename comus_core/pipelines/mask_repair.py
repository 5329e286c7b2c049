"""The mask that the settings of `redraw` describe."""

from __future__ import annotations

from pathlib import Path

from comus_core import curation
from comus_core.pipelines.edit_settings import RedrawSettings
from comus_core.proposals import mask_edits
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import BoolMask
from comus_core.workspace.decisions import Decisions


def repaired(view: RunView, settings: RedrawSettings, decided: Decisions) -> BoolMask:
    """Start from a file, a threshold, the detector's mask or the present one; take one part; grow or shrink.

    Raises:
        SettingsError: nothing to do, several starts, no such proposal or part, or nothing is left.
        ImageError: the file cannot be read.
        WorkspaceError: the soft maps are gone.
    """
    starts = [settings.mask is not None, settings.threshold is not None, settings.original]
    require(sum(starts) <= 1, "redraw: choose one of a mask file, a threshold and the original mask")
    require(
        any(starts) or settings.component is not None or settings.grow != 0,
        "redraw: choose a mask file, a threshold, a component, pixels to grow by, or the original mask",
    )
    mask = _start(view, settings, decided)
    if settings.component is not None:
        mask, count = mask_edits.component(mask, settings.component)
        require(settings.component <= count, f"component {settings.component}: the mask has {count}")
    mask = mask_edits.grown(mask, settings.grow)
    require(bool(mask.any()), f"redraw: nothing is left of the mask when it shrinks by {-settings.grow} pixels")
    return mask


def _start(view: RunView, settings: RedrawSettings, decided: Decisions) -> BoolMask:
    proposal = settings.proposal
    if settings.threshold is not None:
        return curation.at_threshold(view, proposal, settings.threshold, decided)
    present = curation.mask_of(view, proposal, decided)
    if settings.original:
        return curation.original_mask(view, proposal)
    if settings.mask is not None:
        return mask_edits.read_mask_file(Path(settings.mask).expanduser(), (present.shape[0], present.shape[1]))
    return present
