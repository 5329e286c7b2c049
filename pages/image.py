"""One image: its proposals, why they are kept or dropped, and similar ones."""

import streamlit as st

from app import state
from app.components.photo import photograph, repair_panel
from app.components.shared import deciding, page_data, states
from app.components.shared.job_card import STYLE
from app.data import image_navigation
from app.data.colouring import colouring
from app.data.plain_text import code

view = page_data.current_view()
decided = page_data.decisions(view)
image_id = state.picked_image() or state.picked()
place = image_navigation.place_of(view, decided, state.picked(), state.picked_image())
if place is None and image_id:
    st.warning(f"This run has no proposal or image {code(image_id)}; showing its first.", icon=":material/link_off:")
place = place or image_navigation.first_place(view)
if place is None:
    states.empty("No images", "None of the images of this run could be read.", "hide_image")
    st.stop()
photograph.look_at(view, place)  # into the address, so that it can be shared

if (name := repair_panel.opened(view, place)) is not None:
    repair_panel.show(view, place, name, decided)
    st.stop()
st.html(STYLE)
st.html(photograph.STYLE)
colours = colouring(view, "cluster", decided)
photograph.navigation(view, place, decided)
left, right = st.columns([3, 2], gap="large")
with left:
    photograph.picture(view, place, decided)
with right:
    photograph.facts(view, place, decided, colours)
deciding.follow(view, decided.version)
if place.row is not None and len(view) > 1:
    photograph.similar(view, place.row, decided, colours)
