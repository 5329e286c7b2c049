"""The objects of a run in a format that other tools read: scope, format, preview, and a zip or a folder."""

import streamlit as st

from app.components.exports import export_choices, export_preview, export_results, export_start
from app.components.photo import photograph
from app.components.shared import deciding, page_data
from app.components.shared.job_card import STYLE

view = page_data.current_view()
decided = page_data.decisions(view)
st.html(STYLE)
st.html(photograph.STYLE)
left, right = st.columns([2, 3], gap="large")
with left, st.container(key="export_choices"):
    chosen = export_choices.show(view)
with right, st.container(key="export_preview"):
    ready = export_preview.show(view, chosen)
with left, st.container(key="export_results"):
    export_start.show(view, chosen, ready)
    export_results.show(view)
deciding.follow(view, decided.version)
