"""A segmenter learns from the pseudo-masks, and a student from its masks: ask for it, watch it, compare the rounds."""

import streamlit as st

from app import view_data
from app.components import ablation_panel, training_panel
from app.components.job_card import STYLE

view = view_data.current_view()
st.html(STYLE)
left, right = st.columns([2, 3], gap="large")
with left, st.container(key="training_form"):
    training_panel.form(view)
with right, st.container(key="training_watch"):
    training_panel.progress(view)
ablation_panel.show(view)
