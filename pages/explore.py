"""The map of all proposals, and the pictures of those that were drawn around."""

import numpy as np
import streamlit as st

from app import state, urls, view_data
from app.colouring import chosen, colouring
from app.components import selection_panel, states
from app.components.point_map import point_map

METHODS = {"tsne": "t-SNE", "umap": "UMAP"}
COLOURINGS = {"cluster": "Cluster", "truth": "Ground truth", "core": "Core / filtered"}

view = view_data.current_view()
if "projection" not in view.run.artifacts:
    states.empty("This run has no map yet", "It stopped before the projection; run it to the end.", "map")
    st.stop()

decided = view_data.decisions(view)
offered = [by for by in COLOURINGS if by != "truth" or view.counts is not None]
method = state.map_method()
by = state.colour_by() if state.colour_by() in offered else "cluster"

left, right = st.columns([3, 2], gap="medium")

with left:
    with st.container(horizontal=True, gap="small", key="map_controls"):
        st.segmented_control(
            "Projection",
            list(METHODS),
            format_func=METHODS.__getitem__,
            key=state.put("map_method", method),
            on_change=state.on_change("map_method", state.set_map_method),
            required=True,
            label_visibility="collapsed",
        )
        st.segmented_control(
            "Colour by",
            offered,
            format_func=COLOURINGS.__getitem__,
            key=state.put("colour_by", by),
            on_change=state.on_change("colour_by", state.set_colour_by),
            required=True,
            label_visibility="collapsed",
        )
    shown = colouring(view, by, decided)
    selection = state.selection(view.run.id)
    drawn_here = selection.method == method
    clicked = point_map(
        key=f"map-{view.run.id}",
        points_url=urls.points(view, method),
        colours_url=urls.colours(view, by, decided, only="" if drawn_here else selection.key),
        names=shown.names,
        category_colours=shown.colours,
        unassigned=shown.unassigned if drawn_here else "not selected",
        gestures=selection.gestures if drawn_here else (),
        on_gestures=lambda drawn: state.set_selection(view.run.id, method, drawn),
        image_url=urls.crop(view, "{i}", 160, outline=True),
        height=620,
    )
    if clicked is not None:
        state.pick(str(view.proposals.proposal_id[clicked]))

with right:
    picked = view.row_of.get(state.picked() or "")
    if picked is not None:
        selection_panel.picked(view, picked, shown, decided)
    rows = selection_panel.in_order(view, np.flatnonzero(chosen(view, selection)), decided)
    selection_panel.show(view, rows, selection, shown, decided, key=f"explore-{view.run.id}-{selection.key}")
