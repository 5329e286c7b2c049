"""A run before it starts: its images and two choices, its cost and its supervision; and the running ones."""

import streamlit as st

from app.components.datasets import chosen_images, dataset_picker
from app.components.jobs import discover_jobs, run_preview, run_settings
from app.components.shared import page_data
from app.components.shared.job_card import STYLE
from comus_core.datasets.allowed_folders import image_roots

st.html(STYLE)
st.title("Discover", anchor=False)
roots = image_roots(page_data.workspace().root)
left, right = st.columns([3, 2], gap="large")

with left:
    st.header("Images", anchor=False)
    picked = chosen_images.show(dataset_picker.show(roots))
    values = run_settings.show(picked.seen if picked else None)

with right, st.container(key="run_preview"):
    run_preview.show(picked, values, roots)
    discover_jobs.show()
