"""The peer: a map and a linked gallery as Streamlit's documentation builds them, with Plotly's own lasso.

It shows the same points and, for a selection, the same 60 crops from the same server as the app does.
"""

import os

import numpy as np
import plotly.graph_objects as go
import streamlit as st

st.set_page_config(layout="wide")


@st.cache_data
def load():
    """The points (n, 2), their clusters (n,) and n addresses of crops."""
    with np.load(os.environ["PLOTLY_LASSO_POINTS"]) as file:
        return file["points"], file["cluster"], os.environ["PLOTLY_LASSO_CROPS"]


points, cluster, crops = load()
left, right = st.columns([3, 2])
with left:
    trace = go.Scattergl(
        x=points[:, 0], y=points[:, 1], mode="markers", marker={"size": 3, "color": cluster, "colorscale": "Turbo"}
    )
    figure = go.Figure(trace, {"dragmode": "lasso", "height": 620})
    event = st.plotly_chart(figure, key="map", on_select="rerun", selection_mode="lasso")
with right:
    rows = event.selection.point_indices
    if rows:
        st.markdown(f"{len(rows):,} of {len(points):,} proposals selected")
        pictures = "".join(f'<img src="{crops.replace("ROW", str(row))}" width="160">' for row in rows[:60])
        st.html(f'<div class="comus-gallery">{pictures}</div>')
