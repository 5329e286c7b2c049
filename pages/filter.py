"""How much of each cluster is core: a slider, and at once what it keeps, scores and drops."""

import streamlit as st

from app import score_data, view_data
from app.components import figures, filter_curve, filter_panel
from comus_core.view_scores import coverage

view = view_data.current_view()


@st.fragment
def tried() -> None:
    """Everything that follows the slider; the frame around it rests."""
    decided = view_data.decisions(view)
    draft = filter_panel.draft_of(view, decided)
    left, right = st.columns([3, 2], gap="large")
    with left:
        scope = filter_panel.sliders(view, decided, draft)
        compare = filter_panel.ranking(view, decided, draft)
        score = filter_panel.scores(view, draft)
        filter_panel.figures(view, decided, draft, score)
        filter_panel.decide(view, decided, draft)
        curve = score_data.curve(view, draft, score_data.matchings(view, draft)[0])
        miou, others = score.miou if score else None, filter_panel.other_curves(view, draft) if compare else {}
        figure = filter_curve.filter_curve(curve, draft.filter_percent, miou, coverage(view, draft), others)
        figures.show(figure, key="filter_curve", title="What a filter keeps and scores")
        if score is None:
            st.caption("Without ground truth there is no mIoU; the Evaluate page says how to add some.")
        else:
            st.caption(
                f"All images; what is dropped counts as background; matched anew ({score.matching}) at each filter."
            )
    with right:
        filter_panel.show_table(view, draft)
    filter_panel.pictures(view, draft, scope)


tried()
