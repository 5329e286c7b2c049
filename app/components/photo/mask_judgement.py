"""The actions on the open object and its image: the bar of any selection, and the ways to the editor of masks."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from app import state
from app.components.photo.draw_button import draw_button
from app.components.shared import selection_bar
from app.data.image_navigation import Place
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


def show(view: RunView, place: Place, decided: Decisions) -> None:
    """Draw the bar for the proposal or drawn object of a place, or for its image alone where neither is open."""
    objects = decided_objects(view, decided)
    row = place.row if place.drawn is None else objects.find(place.drawn)
    rows = np.array([] if row is None else [row], np.int64)
    images = [str(view.image_ids[place.image_row])]
    selection_bar.show(view, decided, rows, key="judgement", images=images, with_download=False)
    if row is not None:
        st.button(
            "Repair mask",
            key="repair_mask",
            icon=":material/brush:",
            help="Draw on the mask, take another threshold or one of its parts",
            shortcut="m",
            disabled=view.run.read_only,
            on_click=partial(state.set_parameter, state.REPAIR, str(objects.ids[row])),
        )
    draw_button(view, images[0])
