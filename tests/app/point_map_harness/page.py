"""The page of the harness: the map, a recolouring, a second page, and what came back, as JSON."""

import hashlib
import json

import streamlit as st

from app.components.map.point_map import point_map
from comus_core.workspace.selection_shapes import gestures_from_text, gestures_to_text, select
from tests.app.point_map_harness.points import names, points

st.set_page_config(layout="wide")
n, groups = int(st.query_params.get("n", 2000)), int(st.query_params.get("groups", 12))
if "gestures" not in st.session_state:
    st.session_state.gestures = gestures_from_text(st.query_params.get("selection", "[]"))
    st.session_state.runs = 0
st.session_state.runs += 1


def remember(gestures):
    st.session_state.gestures = gestures


left, middle, right = st.columns(3)
page = left.radio("Page", ["Map", "Other"], horizontal=True, key="page")
kind = middle.radio("Colour", ["group", "side"], horizontal=True, key="kind")
right.button("Clear from the page", on_click=remember, args=((),), key="clear")

clicked = None
if page == "Map":
    path = f"{n}/{groups}"
    clicked = point_map(
        key="map",
        points_url=f"/harness/{'missing' if 'broken' in st.query_params else 'points'}/{path}",
        colours_url=f"/harness/colours/{kind}/{path}",
        image_url=f"/harness/image/{path}/{{i}}",
        names=names(groups) if kind == "group" else ["left side", "right side"],
        gestures=st.session_state.gestures,
        on_gestures=remember,
        height=560,
    )

chosen = select(points(n, groups)[0], st.session_state.gestures)
st.query_params["selection"] = gestures_to_text(st.session_state.gestures)
answer = {
    "gestures": json.loads(gestures_to_text(st.session_state.gestures)),
    "count": int(chosen.sum()),
    "digest": hashlib.sha256(chosen.tobytes()).hexdigest(),
    "clicked": clicked,
    "runs": st.session_state.runs,
    "kind": kind,
    "page": page,
}
with st.container(key="answer"):
    st.code(json.dumps(answer), language=None)
