"""The course of a filter: its curve over 0 to 100 %, with ground truth and without, and its table as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from app import state
from app.components.filter import filter_panel
from app.components.filter.filter_curve import filter_curve
from app.components.shared import fields, figures
from app.components.shared.score_table import about
from app.data import score_data
from app.data.plain_text import plain
from comus_core.evaluation.report import CurvePoint, Score
from comus_core.runs.run_view import RunView
from comus_core.scoring.core_curves import NAMES, CoreCurves, StandIn, curve_table, means_of
from comus_core.scoring.core_precision import precision_of
from comus_core.types import FloatArray
from comus_core.workspace.decisions import Decisions

ALSO = "filter_stand_ins"
WHY = (
    "The gain of filtering comes in training: a cleaner core trains a better segmenter although it masks fewer pixels "
    "(on 100 images of VOC, one seed, a teacher reached 46.8 % mIoU from the core at 20 %, and 41.9 % from all "
    "pseudo-masks)."
)


def show(view: RunView, draft: Decisions, scope: int, compare: bool, score: Score | None) -> None:
    """Draw the curve of all clusters or of the selected one."""
    cluster = None if scope == filter_panel.ALL else scope
    also = score is None or _also()
    matching = score_data.matchings(view, draft)[0]
    curve = score_data.curve(view, draft, matching, cluster)
    stand_ins = score_data.stand_ins(view, draft, cluster)
    right = score_data.rightness(view, draft, matching)
    precision = score_data.precision(view, draft, matching, cluster)
    percent = draft.filter_percent if cluster is None else draft.percent_of([cluster])[cluster]
    others = filter_panel.other_curves(view, draft) if compare and cluster is None else {}
    figure = filter_curve(
        curve,
        percent,
        score.miou if score else None,
        view.coverage(draft),
        others,
        stand_ins if also else None,
        means_of(view, view.kept(draft)) if also else None,
        filter_panel.RANKINGS[draft.filter_by],
        precision,
        precision_of(right, view.kept(draft)) if right is not None else None,
    )
    figures.show(
        figure,
        key="filter_curve",
        title="Filter curve",
        said=about(view, score.matching if score else "", _whose(draft, cluster)),
        table=lambda: table(stand_ins, curve if score is not None else (), others, precision),
    )
    st.caption(_words(draft, cluster, score, list(stand_ins.means) if also else []))
    st.caption(WHY)


def table(
    curves: CoreCurves,
    scored: Sequence[CurvePoint],
    others: Mapping[str, Sequence[CurvePoint]],
    precision: FloatArray | None = None,
) -> pd.DataFrame:
    """All values at 0 to 100 %, drawn or not; a further column of mIoU for each other ranking that is drawn."""
    rows = curve_table(curves, scored, precision).to_pandas()
    return rows.assign(**{f"miou by {name.lower()}": [p.miou for p in points] for name, points in others.items()})


def _also() -> bool:
    """Whether the stand-ins are shown beside the score."""
    shown, keep = bool(state.setting(ALSO, False)), partial(state.set_setting, ALSO)
    return fields.switch("Show measures without ground truth", f"{ALSO}_widget", shown, keep)


def _words(draft: Decisions, cluster: int | None, score: Score | None, shown: list[StandIn]) -> str:
    means = f" {', '.join(NAMES[name] for name in shown)}: means over the kept proposals." if shown else ""
    if score is None:
        agreement = " Neighbours agreeing stands in for the core precision." if "agreement" in shown else ""
        return (
            f"Without ground truth there is no mIoU.{means} They show how coherent the kept proposals are.{agreement}"
        )
    basis = f"All images; dropped proposals count as background; matched for each filter ({score.matching})."
    basis += " Core precision: the share of its proposals that are mostly of the class of their cluster at 0 %."
    return f"Curve: {_whose(draft, cluster)}. {basis}{means}"


def _whose(draft: Decisions, cluster: int | None) -> str:
    return (
        "one percentage for all clusters"
        if cluster is None
        else f"{plain(draft.name_of(cluster))} only, other clusters unchanged"
    )
