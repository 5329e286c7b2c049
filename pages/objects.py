"""All objects of a run as a table: filtered, sorted, acted on, downloaded."""

import streamlit as st

from app.components.objects import measures_panel, object_list
from app.components.shared import deciding, page_data
from app.components.shared.job_card import STYLE
from app.data import object_rows

view = page_data.current_view()
decided = page_data.decisions(view)
st.html(STYLE)
if object_rows.is_ready(view, decided):
    object_list.show(view, decided)
else:
    measures_panel.show(view, decided)
deciding.follow(view, decided.version)
