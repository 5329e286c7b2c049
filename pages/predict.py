"""New images through a run: upload them, choose a round, see the masks with names and confidence."""

import streamlit as st

from app.components.photo import photograph
from app.components.predict import predict_panel, prediction_view
from app.components.shared import page_data
from app.components.shared.job_card import STYLE

view = page_data.current_view()
st.html(STYLE)
st.html(photograph.STYLE)
st.html(prediction_view.STYLE)
left, right = st.columns([2, 5], gap="large")
with left, st.container(key="predict_form"):
    predict_panel.show(view)
with right, st.container(key="predict_results"):
    prediction_view.show(view)
