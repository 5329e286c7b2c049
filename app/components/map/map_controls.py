"""Above the map: which projection, and what its colours mean."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app import state
from app.components.shared import fields, glossary_list
from app.data.map_choices import MAP_METHODS, MAP_NAMES, MapMethod
from comus_core.runs.run_view import RunView

TERM_OF = {"cluster": "cluster", "core": "core", "confidence": "saliency", "distance": "distance"}  # of a colouring


def show(view: RunView, words: Mapping[str, str]) -> tuple[MapMethod, str]:
    """Draw both choices and return what is chosen; `words` are those of `colouring.offered`."""
    there = [method for method in MAP_METHODS if method in view.methods]
    method = state.map_method() if state.map_method() in there else there[0]
    by = state.colour_by() if state.colour_by() in words else "cluster"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="map_controls"):
        fields.buttons(
            "Projection",
            "map_method",
            method,
            there,
            state.set_map_method,
            format_func=MAP_NAMES.__getitem__,
            label_visibility="collapsed",
        )
        fields.choice(
            "Colour by",
            "colour_by",
            by,
            list(words),
            state.set_colour_by,
            format_func=lambda value: f"Colour by: {words[value]}",
            label_visibility="collapsed",
            width=300,
        )
        if by in TERM_OF:
            glossary_list.explained((TERM_OF[by],), key="map_terms")
    return method, by
