"""The images of a page of a list that are acted on, some of those shown or all of them, and the bar of actions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from app import state
from app.components.shared import fields, selection_bar
from comus_core.runs.run_view import RunView
from comus_core.scoring.cell_proposals import rows_of_images
from comus_core.types import ImageId
from comus_core.workspace.decisions import Decisions


def show(view: RunView, decided: Decisions, shown: Sequence[ImageId], *, key: str, with_undo: bool = True) -> None:
    """Draw the list to choose images from, the box that selects all, and the bar for their proposals and drawn objects.

    Args:
        view: the run.
        decided: its decisions as the page shows them.
        shown: ids of images of the run: what is only shown is not selected.
        key: prefix of the widgets' keys.
        with_undo: see `selection_bar.show`.
    """
    if not shown or view.run.read_only:
        return
    name = f"{key}-{view.run.id}"
    chosen = fields.several(
        "Images to act on",
        f"{key}_chosen",
        [i for i in state.setting(name, ()) if i in shown],
        shown,
        partial(_choose, name),
        placeholder="None selected",
    )
    every = selection_bar.all_of(view, np.array([view.image_row_of[i] for i in shown]), key=key)
    images = shown if len(every) else chosen
    rows = rows_of_images(view, decided, images)
    selection_bar.show(view, decided, rows, key=f"{key}_selection", images=images, with_undo=with_undo)


def _choose(name: str, some: Sequence[ImageId]) -> None:
    state.set_setting(name, tuple(some))
