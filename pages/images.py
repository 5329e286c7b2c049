"""The images before any run: choose or upload a data set, browse it, find its faulty files, choose parts."""

import streamlit as st

from app.components.clusters import encoders_panel
from app.components.datasets import dataset_picker, excluded_panel, health_panel
from app.components.predict import prediction_view
from app.components.saliency import compare_panel, maps_panel, tabs, train_panel
from app.components.shared import page_data
from app.components.shared.job_card import STYLE
from comus_core.datasets.allowed_folders import image_roots

st.html(STYLE)
st.html(prediction_view.STYLE)
st.title("Images", anchor=False)
dataset_picker.follow_run(page_data.current_run())
picked = dataset_picker.show(image_roots(page_data.workspace().root))
if picked is not None:
    tab = tabs.show()
    if tab == tabs.DETECTORS:
        compare_panel.show(picked.spec)
    elif tab == tabs.ENCODERS:
        encoders_panel.show(picked.spec)
    elif tab == tabs.OWN:
        train_panel.show(picked.spec)
    elif tab == tabs.MAPS:
        maps_panel.show(picked.spec)
    else:
        excluded_panel.show(picked.spec)
        health_panel.show(picked.spec)
