"""The button that opens the editor for a new object in the open image."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.data.mask_drafts import new_in
from comus_core.runs.run_view import RunView


def draw_button(view: RunView, image_id: str) -> None:
    """Draw an object that the detector did not find."""
    st.button(
        "Draw an object",
        key="draw_object",
        icon=":material/draw:",
        help="Draw an object that was not found, in a category that you choose",
        shortcut="d",
        disabled=view.run.read_only,
        on_click=partial(state.set_parameter, state.REPAIR, new_in(image_id)),
    )
