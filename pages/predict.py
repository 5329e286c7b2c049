"""New photographs through a run: drop them in, choose a round, see the masks with names and confidence."""

from pathlib import Path

import streamlit as st

from app.components.photo import photograph
from app.components.predict import predict_panel, prediction_view
from app.components.shared import page_data
from app.components.shared.job_card import STYLE

view = page_data.current_view()
st.html(STYLE)
for component in (photograph, prediction_view):
    st.html(Path(component.__file__).with_suffix(".css"))
left, right = st.columns([2, 5], gap="large")
with left, st.container(key="predict_form"):
    predict_panel.show(view)
with right, st.container(key="predict_results"):
    prediction_view.show(view)
