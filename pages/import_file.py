"""A file of a label tool brought back into a run: what it changes, then the import."""

import streamlit as st

from app.components.imports import import_panel, import_source
from app.components.photo import photograph
from app.components.predict import prediction_view
from app.components.shared import page_data, states
from app.components.shared.job_card import STYLE

view = page_data.current_view()
decided = page_data.decisions(view)
for style in (STYLE, photograph.STYLE, prediction_view.STYLE):
    st.html(style)
left, right = st.columns([2, 5], gap="large")
with left, st.container(key="import_source"):
    chosen = import_source.show(view)
with right, st.container(key="import_changes_panel"):
    if chosen is None:
        states.empty(
            "Bring corrections back",
            "Export this run, correct masks or names in a label tool, and upload its file here. You see what changes "
            "before anything is done.",
            "input",
        )
    else:
        import_panel.show(view, decided, chosen)
