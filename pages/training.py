"""Self-training: a teacher from the pseudo-masks, a student from its masks; start it, watch it, compare the rounds."""

import streamlit as st

from app.components.shared import page_data, states
from app.components.shared.job_card import STYLE
from app.components.training import (
    ablation_panel,
    package_panel,
    round_comparison,
    training_choices,
    training_panel,
    training_strip,
)

view = page_data.current_view()
if view.run.from_bundle:
    states.not_trainable()
    st.stop()
st.html(STYLE)
st.html(training_strip.STYLE)
left, right = st.columns([2, 3], gap="large")
with left, st.container(key="training_form"):
    training_choices.form(view)
with right, st.container(key="training_watch"):
    training = training_panel.choice(view)
    training_panel.progress(view, training)
if training is not None:
    training_panel.strip(view, training)
    round_comparison.show(training)
    package_panel.show(view, training)
ablation_panel.show(view)
