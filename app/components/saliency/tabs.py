"""What the Images page shows of a data set: its images, its detectors or encoders; kept in the address."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from app import state
from app.components.shared import fields

STYLE = Path(__file__).with_name("saliency.css")
IMAGES, DETECTORS, OWN, MAPS, ENCODERS = "", "detectors", "own", "maps", "encoders"
WORDS = {
    IMAGES: "Images",
    DETECTORS: "Compare detectors",
    ENCODERS: "Compare encoders",
    OWN: "Train a detector",
    MAPS: "Soft maps",
}


def show() -> str:
    """Draw the choice; returns what is chosen."""
    st.html(STYLE)
    asked = state.parameter(state.TAB)
    return fields.buttons(
        *("Shown", "images_tab", asked if asked in WORDS else IMAGES, list(WORDS)),
        partial(state.set_parameter, state.TAB),
        format_func=WORDS.__getitem__,
        label_visibility="collapsed",
    )
