"""Above the map: which projection, and what its colours mean."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import streamlit as st

from app import state
from app.map_choices import CHANGE_ROUND, MAP_METHODS, MAP_NAMES, PREDICTION, MapMethod
from comus_core.proposal_predictions import has_predictions
from comus_core.run_view import RunView


def show(view: RunView, words: Mapping[str, str]) -> tuple[MapMethod, str]:
    """Draw both choices and return what is chosen; `words` are those of `colouring.offered`."""
    there = [method for method in MAP_METHODS if method in view.methods]
    method = state.map_method() if state.map_method() in there else there[0]
    by = state.colour_by() if state.colour_by() in words else "cluster"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="map_controls"):
        st.segmented_control(
            "Projection",
            there,
            format_func=MAP_NAMES.__getitem__,
            key=state.put("map_method", method),
            on_change=state.on_change("map_method", state.set_map_method),
            required=True,
            label_visibility="collapsed",
        )
        st.selectbox(
            "Colour by",
            list(words),
            format_func=lambda value: f"Colour by: {words[value]}",
            key=state.put("colour_by", by),
            on_change=state.on_change("colour_by", state.set_colour_by),
            label_visibility="collapsed",
            width=300,
        )
    return method, by


def known(view: RunView, by: str) -> str:
    """The colouring, or clusters where it is by a round of which nothing is known for each proposal: then says so."""
    for prefix in (PREDICTION, CHANGE_ROUND):
        if by.startswith(prefix) and not has_predictions(view, int(by.removeprefix(prefix))):
            st.info(
                "This round was trained before what it predicts for each proposal was kept. "
                "This command works it out; meanwhile the map shows the clusters.",
                icon=":material/info:",
            )
            words = ["comus", "predict-proposals", view.run.id, "--workspace", str(view.workspace.root)]
            st.code(shlex.join(words), language="bash", wrap_lines=True)
            return "cluster"
    return by
