"""Encoders compared without labels, on a run or a data set: the choice, the job, the figures and the curves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import state
from app.components.shared import comparison_table, fields, figures, job_watch, page_data, states
from app.components.shared.figures import styled
from app.components.shared.job_card import STYLE
from app.data import job_words
from app.data.palette import colours
from app.data.plain_text import plain
from app.forms import encoder_form
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.pipelines.encoder_comparison import LIMIT, compared, short_name, stored_comparison
from comus_core.pipelines.model_selection import badge
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace import Run

CHOSEN = "encoders_chosen"
COLUMNS = {
    "Silhouette": (2, "Largest mean silhouette after UMAP, −1 to 1; higher is better"),
    "Best number": (0, "Clusters where the silhouette is largest"),
    "Seconds": (3, "Seconds for the proposals of one image, decoding not counted"),
    "Clusters": (0, "Clusters that are scored"),
    "mIoU": (1, "Mean over all classes, background included, percent"),
    "NMI": (3, "Normalised mutual information of clusters and classes, 0 to 1"),
    "ARI": (3, "Adjusted Rand index: 1 for equal partitions, about 0 by chance"),
}
MEASURES = (
    "**Silhouette**: the largest mean silhouette of k-means clusters after UMAP over numbers of clusters, from −1 to "
    "1; it needs no label, and does not depend on an encoder's dimensions or scale. **Best number**: the number of "
    "clusters there. **Seconds**: of the proposals of one image, which is decoded already. With ground truth, "
    "**mIoU**, **NMI** and **ARI** are of clusters made as a run makes them, before any decision."
)


def folded(view: RunView) -> None:
    """Draw it for a run, collapsed."""
    with st.expander("Compare encoders", icon=":material/compare:", key="encoders"):
        if view.run.from_bundle:
            st.caption("This run came in a bundle, without its data set, so other encoders cannot see its images.")
            return
        st.html(STYLE)
        show(view.run)


def show(subject: Run | str) -> None:
    """Draw it for a run, or for the data set of a string, which the server may read."""
    workspace = page_data.workspace()
    job = encoder_form.last_job(workspace, subject)
    _choice(subject, busy=job is not None and job.state in jobs.ACTIVE)
    if job is not None and job.state != "done":
        job_watch.show(job, key="encoders_progress")
    try:
        result = stored_comparison(workspace, subject)
    except ComusError as fault:
        states.error(fault)
        return
    if result is None:
        st.caption("No encoders compared yet. Choose some: each sees the same proposals, and no label is needed.")
        return
    _head(result)
    about = "run" if isinstance(subject, Run) else "data"
    comparison_table.show(figures_of(result), COLUMNS, key="encoders", name=f"encoders-{about}")
    st.caption(MEASURES)
    st.caption(LIMIT)
    if any(row["curve"] for row in compared(result)):
        title, of_run = "Silhouette by number of clusters", isinstance(subject, Run)
        figures.show(curves(result), key="encoders_curves", title=title, of_run=of_run)


def figures_of(result: Mapping[str, Any]) -> pd.DataFrame:
    """A row an encoder, the largest silhouette first; without ground truth no scores, without a fault no reasons."""
    rows = result["encoders"]
    columns: dict[str, list[Any]] = {
        "Encoder": [short_name(row["encoder"]) for row in rows],
        "Silhouette": [row.get("silhouette") for row in rows],
        "Best number": [row.get("best") for row in rows],
        "Seconds": [row.get("seconds") for row in rows],
        "Supervision": [badge(row["supervision"], row["non_commercial"]) for row in rows],
    }
    scores = {"mIoU": "miou", "NMI": "nmi", "ARI": "ari"}
    known = {title: name for title, name in scores.items() if any(row.get(name) is not None for row in rows)}
    if known:
        columns |= {"Clusters": [row.get("scored") for row in rows]}
        columns |= {title: [row.get(name) for row in rows] for title, name in known.items()}
    if any(row["reason"] is not None for row in rows):
        columns["Not available here"] = [row["reason"] or "" for row in rows]
    return pd.DataFrame(columns)


def curves(result: Mapping[str, Any]) -> go.Figure:
    """The silhouette over numbers of clusters, a line an encoder; its best number is marked."""
    plot, rows = go.Figure(), [row for row in compared(result) if row["curve"]]
    for row, colour in zip(rows, colours(len(rows)), strict=True):
        x, y = ([point[name] for point in row["curve"]] for name in ("clusters", "silhouette"))
        sizes = [11 if number == row["best"] else 4 for number in x]
        plot.add_scatter(
            x=x,
            y=y,
            name=short_name(row["encoder"]),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": sizes, "color": colour},
            hovertemplate="%{x} clusters: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    plot.update_layout(legend={"orientation": "h", "y": -0.25})
    plot.update_xaxes(title="clusters", showgrid=False)
    plot.update_yaxes(title="mean silhouette")
    return styled(plot, 320)


def _choice(subject: Run | str, *, busy: bool) -> None:
    """The encoders, and the button."""
    workspace, run = page_data.workspace(), subject if isinstance(subject, Run) else None
    words = encoder_form.encoder_words(run)
    kept = [name for name in state.setting(CHOSEN, encoder_form.first_encoders(run)) if name in words]
    fields.several(
        *("Encoders", "encoders_choice", kept, list(words), partial(state.set_setting, CHOSEN)),
        format_func=encoder_form.label,
        placeholder="Choose encoders",
        help="  \n".join(f"**{plain(encoder_form.label(name))}** {plain(line)}" for name, line in words.items()),
    )
    pressed = st.button(
        f"Compare {counted(len(kept), 'encoder')}",
        key="encoders_start",
        icon=":material/compare:",
        type="secondary" if run else "primary",
        disabled=busy or not kept,
    )
    if not kept:
        return
    settings = encoder_form.settings_of(kept)
    if pressed:
        try:
            encoder_form.start(workspace, subject, settings)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    st.caption("Equivalent command:")
    st.code(encoder_form.command(workspace, subject, settings), language=None, wrap_lines=True)


def _head(result: Mapping[str, Any]) -> None:
    when = job_words.ago(result["compared_at"], time.time())
    where = f"{counted(result['proposals'], 'proposal')} in {counted(result['images'], 'image')}"
    st.caption(plain(f"Compared {when} on {where}, on {result['device']}."))
    states.truth_line(result["truth"])
