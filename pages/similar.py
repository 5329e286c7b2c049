"""Proposals ranked by their similarity to some others or to an image, and what to do with the most similar ones."""

import streamlit as st

from app.components.shared import deciding, page_data
from app.components.shared.job_card import STYLE
from app.components.similar import similar_objects, similar_ranking
from app.data.colouring import colouring

view = page_data.current_view()
decided = page_data.decisions(view)
colours = colouring(view, "cluster", decided)
st.html(STYLE)
query = similar_objects.show(view, colours)
if query is not None:
    similar_ranking.show(view, decided, query, colours)
deciding.follow(view, decided.version)
