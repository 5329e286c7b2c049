"""The ranking of "More like these": histogram and threshold, the proposals at the border, the accepted ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import state
from app.components.shared import fields, figures, selection_bar
from app.components.shared.figures import ACCENT, UNASSIGNED, styled
from app.components.shared.gallery import gallery, paged
from app.data import similar_query
from app.data.colouring import Colouring
from app.data.similar_query import SimilarQuery
from app.forms import verb_form
from comus_core.runs.run_view import RunView
from comus_core.runs.similarity import Ranking
from comus_core.text import counted
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions

BORDER = 12  # crops on each side of the threshold
STEP = 0.001


def show(view: RunView, decided: Decisions, query: SimilarQuery, colours: Colouring) -> None:
    """Draw the ranking by a query, and the actions on what reaches its threshold."""
    ranking = similar_query.ranking(view, decided, query)
    threshold = similar_query.threshold_of(ranking, state.parameter(state.THRESHOLD))
    count = ranking.count(threshold)
    _histogram(ranking, threshold)
    _slider(ranking, threshold, count)
    _border(view, ranking, threshold, colours)
    st.header("Similar enough", anchor=False)
    rows = np.concatenate([query.rows, ranking.rows[:count]])
    compared = f" and {counted(len(query.rows), 'proposal')} compared with" if len(query.rows) else ""
    st.caption(
        f"{counted(count, 'proposal')} of similarity {threshold:.3f} or more{compared}: "
        f"the buttons act on {counted(len(rows), 'proposal')}."
    )
    selection_bar.show(view, decided, rows, key="similar")
    page = paged(count, key=f"similar-{view.run.id}")
    _crops(view, ranking, np.arange(count)[page], colours, "similar_accepted")
    st.caption("Equivalent command; add `--move-to CLUSTER` to move them:")
    command = verb_form.command(view.workspace, "similar", view.run, query.settings(view, threshold))
    st.code(command, language="bash", wrap_lines=True)


def histogram_figure(ranking: Ranking, threshold: float) -> go.Figure:
    """Proposals by similarity, those that reach the threshold in another colour; counts on a logarithmic axis."""
    edges, above, below = similar_query.histogram(ranking, threshold)
    figure = go.Figure()
    middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    for name, counts, colour in (("below the threshold", below, UNASSIGNED), ("similar enough", above, ACCENT)):
        hover = f"similarity %{{x:.2f}}: %{{y}} {name}<extra></extra>"
        figure.add_bar(x=middle, y=counts, width=width, name=name, marker={"color": colour}, hovertemplate=hover)
    figure.add_vline(x=threshold, line={"color": ACCENT, "width": 2, "dash": "dot"})
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_xaxes(title="similarity (cosine)", range=[float(edges[0]), float(edges[-1])], showgrid=False)
    top = np.log10(max(2, int((above + below).max(initial=1)))) + 0.1
    figure.update_yaxes(title="proposals (logarithmic)", type="log", range=[np.log10(0.5), top], dtick=1)
    return styled(figure, 240)


def _histogram(ranking: Ranking, threshold: float) -> None:
    def table() -> pd.DataFrame:
        edges, above, below = similar_query.histogram(ranking, threshold)
        columns = {"similarity_from": edges[:-1], "similarity_to": edges[1:], "similar_enough": above, "below": below}
        return pd.DataFrame(columns)

    figure = histogram_figure(ranking, threshold)
    figures.show(figure, key="similar_histogram", title="Similarity of the proposals", table=table)


def _slider(ranking: Ranking, threshold: float, count: int) -> None:
    """The threshold, as a similarity and as a number of proposals."""
    least, most = similar_query.limits(ranking, threshold)

    def take(value: float) -> None:
        state.set_parameter(state.THRESHOLD, f"{value:.6f}".rstrip("0").rstrip("."))

    left, right = st.columns([4, 1], gap="medium", vertical_alignment="bottom")
    with left:
        fields.slider(
            "Threshold of the similarity",
            "similar_threshold",
            threshold,
            take,
            least=least,
            most=most,
            step=STEP,
            format="%.3f",
        )
    with right:
        fields.number(
            "Proposals",
            "similar_number",
            count,
            lambda number: take(ranking.at(int(number))),
            least=0,
            most=len(ranking),
            help="Moves the threshold to the similarity of the last of so many; equal ones come along.",
        )


def _border(view: RunView, ranking: Ranking, threshold: float, colours: Colouring) -> None:
    above, below = ranking.border(threshold, BORDER)
    left, right = st.columns(2, gap="large")
    for column, title, places, key in (
        (left, "Just above the threshold", above, "similar_above"),
        (right, "Just below the threshold", below, "similar_below"),
    ):
        with column:
            st.markdown(f"**{title}**")
            if len(places):
                _crops(view, ranking, places, colours, key, 96)
            else:
                st.caption("None.")


def _crops(view: RunView, ranking: Ranking, places: IntArray, colours: Colouring, key: str, size: int = 160) -> None:
    rows = ranking.rows[places]
    captions = [f"{ranking.similarity[k]:.3f} · {colours.name(int(ranking.rows[k]))}" for k in places]
    frames = [colours.colour(int(row)) for row in rows]
    gallery(view, rows, captions=captions, outlines=frames, size=size, key=key)
