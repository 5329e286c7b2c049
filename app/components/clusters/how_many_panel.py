"""Estimate the number of clusters: curves with their suggestions, or the button that computes them."""

from __future__ import annotations

import time

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.components.shared import figures, job_card, page_data, score_table, states
from app.components.shared.figures import ACCENT, UNASSIGNED, styled
from app.data.plain_text import plain
from app.forms import verb_form
from comus_core import jobs
from comus_core.clustering.curves import Curve, CurveName, HowMany
from comus_core.errors import ComusError
from comus_core.pipelines.how_many import stored_how_many
from comus_core.pipelines.verb_settings import HowManySettings
from comus_core.runs.run_view import RunView
from comus_core.text import counted

TITLES: dict[CurveName, str] = {
    "stability": "Stability",
    "eigengap": "Eigengap",
    "leiden": "Leiden",
    "silhouette": "Silhouette after UMAP",
    "evoc": "EVōC",
}
X_WORDS: dict[CurveName, str] = dict.fromkeys(TITLES, "clusters") | {"leiden": "resolution", "evoc": "layer"}
Y_WORDS: dict[CurveName, str] = {
    "stability": "agreement of resamples",
    "eigengap": "gap",
    "leiden": "communities",
    "silhouette": "mean silhouette",
    "evoc": "clusters",
}
COUNTING = ("leiden", "evoc")  # curves whose values are numbers of clusters
COLUMNS = 3


def show(view: RunView) -> None:
    """Draw it, collapsed."""
    with st.expander("Estimate the number of clusters", icon=":material/query_stats:", key="how_many"):
        estimate = stored_how_many(view.workspace, view.run)
        if estimate is None:
            _offer(view)
            return
        st.markdown(
            f"`auto` chooses **{estimate.clusters}** clusters; this run has {view.clusters}. {plain(estimate.reason)}."
        )
        for start in range(0, len(estimate.curves), COLUMNS):
            for column, curve in zip(st.columns(COLUMNS), estimate.curves[start : start + COLUMNS], strict=False):
                with column:
                    _curve(view, curve)
        if estimate.curves:
            said = score_table.about(view, "", counted(estimate.points, "proposal"))
            score_table.download(frame(estimate), said, name="how-many", key="download_how_many")


def frame(estimate: HowMany) -> pd.DataFrame:
    """A row a point of the curves."""
    rows = [
        {"Curve": curve.name, "X": float(x), "Value": float(value), "Suggestion": curve.suggestion}
        for curve in estimate.curves
        for x, value in zip(curve.x, curve.value, strict=True)
    ]
    return pd.DataFrame(rows)


def figure(curve: Curve, clusters: int) -> go.Figure:
    """Draw a curve, its suggestion, and where the run's own number of clusters is."""
    plot = go.Figure()
    plot.add_scatter(
        x=curve.x,
        y=curve.value,
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 4},
        hovertemplate=f"%{{x:.3g}} {X_WORDS[curve.name]}: %{{y:.3g}}<extra></extra>",
    )
    if curve.suggestion is not None:
        best = curve.value == curve.suggestion if curve.name in COUNTING else curve.x == curve.suggestion
        marker = {"color": ACCENT, "size": 11, "line": {"color": "white", "width": 1.5}}
        plot.add_scatter(x=curve.x[best], y=curve.value[best], mode="markers", marker=marker, hoverinfo="skip")
    line = {"color": UNASSIGNED, "width": 1, "dash": "dot"}
    if curve.name in COUNTING:
        plot.add_hline(y=clusters, line=line)
        plot.update_xaxes(type="log" if curve.name == "leiden" else "linear")
        plot.update_yaxes(type="log")
    else:
        plot.add_vline(x=clusters, line=line)
    plot.update_layout(showlegend=False)
    plot.update_xaxes(title=X_WORDS[curve.name], showgrid=False)
    plot.update_yaxes(title=Y_WORDS[curve.name])
    return styled(plot, 240)


def _curve(view: RunView, curve: Curve) -> None:
    st.markdown(f"**{TITLES[curve.name]}**: {curve.suggestion or 'no suggestion'}")
    if len(curve.x):
        title = f"Number of clusters: {TITLES[curve.name].lower()}"
        figures.show(figure(curve, view.clusters), key=f"how_many_{curve.name}", title=title)
    st.caption(plain(curve.reason[0].upper() + curve.reason[1:] + "."))


def _offer(view: RunView) -> None:
    job = verb_form.last_job(view.workspace, "how-many", view.run)
    if job is not None and job.state in jobs.ACTIVE:
        st.html(job_card.STYLE)
        st.fragment(_wait, run_every=1.0, key="how_many_progress")(view, job.id)
        return
    st.caption("Resamples the proposals and clusters them with every number. Takes minutes for thousands of proposals.")
    if st.button("Compute the curves", key="how_many_start", icon=":material/query_stats:"):
        try:
            verb_form.submit_verb(view.workspace, "how-many", view.run, HowManySettings())
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    st.caption("Equivalent command:")
    command = verb_form.command(view.workspace, "how-many", view.run, HowManySettings())
    st.code(command, language=None, wrap_lines=True)


def _wait(view: RunView, job_id: int) -> None:
    job = jobs.get(page_data.workspace(), job_id)
    if job.state not in jobs.ACTIVE:
        st.rerun()
    job_card.show(job, None, time.time())
