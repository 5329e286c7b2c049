"""All images of a run with their masks in colour, filtered, selected and acted on."""

import streamlit as st

from app.components.photos import photo_filter_bar, photo_grid_panel
from app.components.shared import deciding, page_data, states
from app.data import photo_filter

view = page_data.current_view()
if not len(view.image_ids):
    states.empty("No images", "None of the images of this run could be read.", "hide_image")
    st.stop()

decided = page_data.decisions(view)
deciding.follow(view, decided.version)
values = photo_filter_bar.show(view, decided)
found = photo_filter.filtered(view, decided, values)
chosen = photo_grid_panel.grid(view, decided, values, found)
photo_grid_panel.selection(view, decided, found, chosen)
