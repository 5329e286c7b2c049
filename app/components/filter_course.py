"""The course of a filter: its curve over 0 to 100 %, with ground truth and without, and that as a table."""

from __future__ import annotations

import streamlit as st

from app import score_data, state
from app.components import figures, filter_panel
from app.components.filter_curve import filter_curve
from comus_core.core_curves import NAMES, StandIn, curve_table, means_of
from comus_core.evaluation.report import Score
from comus_core.proposal_table import encoded
from comus_core.run_view import RunView
from comus_core.view_scores import coverage
from comus_core.workspace.decisions import Decisions

ALSO = "filter_stand_ins"


def show(view: RunView, draft: Decisions, scope: int, compare: bool, score: Score | None) -> None:
    """Draw the curve of all clusters or of the one looked at, and offer it as CSV."""
    cluster = None if scope == filter_panel.ALL else scope
    also = score is None or _also()
    matching = score_data.matchings(view, draft)[0]
    curve = score_data.curve(view, draft, matching, cluster)
    stand_ins = score_data.stand_ins(view, draft, cluster)
    percent = draft.filter_percent if cluster is None else draft.percent_of([cluster])[cluster]
    others = filter_panel.other_curves(view, draft) if compare and cluster is None else {}
    figure = filter_curve(
        curve,
        percent,
        score.miou if score else None,
        coverage(view, draft),
        others,
        stand_ins if also else None,
        means_of(view, view.kept(draft)) if also else None,
    )
    figures.show(figure, key="filter_curve", title="What a filter keeps and scores")
    name = f"{view.run.id}-filter{'' if cluster is None else f'-cluster-{cluster}'}.csv"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter_curve_foot"):
        st.caption(_words(draft, cluster, score, list(stand_ins.means) if also else []), width="stretch")
        st.download_button(
            "Curve",
            lambda: encoded(curve_table(stand_ins, curve if score is not None else ()), "csv"),
            name,
            "text/csv",
            key="download_curve",
            icon=":material/download:",
            type="tertiary",
        )


def _also() -> bool:
    """Whether the stand-ins are shown beside the score."""
    key = state.put(f"{ALSO}_widget", bool(state.setting(ALSO, False)))
    keep = state.on_change(key, lambda on: state.set_setting(ALSO, bool(on)))
    return bool(st.toggle("Show what can be told without ground truth", key=key, on_change=keep))


def _words(draft: Decisions, cluster: int | None, score: Score | None, shown: list[StandIn]) -> str:
    means = f" {', '.join(NAMES[name] for name in shown)}: means over what is kept." if shown else ""
    if score is None:
        return f"Without ground truth there is no mIoU.{means} That is how well the core hangs together."
    whose = "one percentage for all clusters" if cluster is None else f"{draft.name_of(cluster)} alone, the others stay"
    return f"Curve: {whose}. All images; what is dropped counts as background; matched anew ({score.matching}).{means}"
