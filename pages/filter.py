"""How much of each cluster is core: a slider, and at once what it keeps, scores and drops."""

import streamlit as st

from app.components.filter import filter_course, filter_panel
from app.components.shared import deciding, notices, page_data

view = page_data.current_view()


@st.fragment
def filter_draft(drawn: int) -> None:
    """Everything that follows the slider; the frame around it rests until something is decided."""
    decided = page_data.decisions(view)
    if decided.version != drawn:
        st.rerun()  # the path above the page says it too
    notices.show()
    draft = filter_panel.draft_of(view, decided)
    left, right = st.columns([3, 2], gap="large")
    with left:
        scope = filter_panel.sliders(view, decided, draft)
        compare = filter_panel.ranking(view, decided, draft)
        score = filter_panel.scores(view, draft)
        filter_panel.figures(view, decided, draft, score)
        filter_panel.decide(view, decided, draft)
        filter_course.show(view, draft, scope, compare, score)
    with right:
        filter_panel.show_table(view, draft)
    filter_panel.pictures(view, decided, draft, scope)


version = page_data.decisions(view).version
deciding.follow(view, version)
filter_draft(version)
