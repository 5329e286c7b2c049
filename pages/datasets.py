"""The published data sets: what there is, how to get it, whether it is complete."""

import streamlit as st

from app.components.datasets import published_panel
from app.components.shared.job_card import STYLE

st.html(STYLE)
st.title("Data sets", anchor=False)
published_panel.show()
