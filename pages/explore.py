"""The map of all proposals, and the crops of the selected ones."""

import streamlit as st

from app import state
from app.components.map import map_controls, selection_panel
from app.components.map.plain_map import is_needed, need, plain_map
from app.components.map.point_map import point_map
from app.components.shared import deciding, page_data, states
from app.data import urls
from app.data.colouring import colouring, offered
from comus_core.runs.proposal_table import chosen_rows
from comus_core.workspace.selection_shapes import Gesture

view = page_data.current_view()
if not view.methods:
    states.empty("This run has no map yet", "It stopped before the projection; resume it to compute the map.", "map")
    st.stop()

decided = page_data.decisions(view)
deciding.follow(view, decided.version)
left, right = st.columns([3, 2], gap="medium")

with left:
    method, by = map_controls.show(view, offered(view))
    colours = colouring(view, by, decided)
    on_map, selection = colours.on_map(), state.selection(view.run.id)
    same_map = selection.method == method
    gestures = selection.gestures if same_map else ()

    def select(gestures: tuple[Gesture, ...]) -> None:
        state.set_selection(view.run.id, method, gestures)

    if is_needed():
        points = view.points(method)
        plain_map(key=f"map-{view.run.id}-{method}", points=points, shown=on_map, gestures=gestures, on_gestures=select)
    else:
        clicked = point_map(
            key=f"map-{view.run.id}",
            points_url=urls.points(view, method),
            colours_url=urls.colours(view, by, decided, only="" if same_map else selection.key),
            names=on_map.names,
            category_colours=on_map.colours,
            scale=on_map.scale,
            unassigned=on_map.unassigned if same_map else "not selected",
            drops=() if view.run.read_only else on_map.ids,
            gestures=gestures,
            on_gestures=select,
            on_no_webgl=need,
            image_url=urls.crop(view, "{i}", 160, outline=True),
            height=620,
        )
        if clicked is not None:
            state.pick(str(view.proposals.proposal_id[clicked]))

with right:
    name = state.picked()
    picked = view.row_of.get(name) if name else None
    if picked is not None:
        selection_panel.picked(view, picked, colours, decided)
    rows = chosen_rows(view, selection, decided)
    selection_panel.show(view, rows, selection, colours, decided, key=f"explore-{view.run.id}-{selection.key}")
