"""What every filter percentage keeps and is worth: by ground truth, and without.

Without, each curve stands in for the score that an unlabelled collection cannot have. The silhouette and the agreement
of a proposal are those in the whole clustering, so a mean over fewer proposals says how well these fit and is not a new
clustering's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from comus_core.config import Matching as MatchingChoice
from comus_core.evaluation.matching import Matching
from comus_core.evaluation.report import CurvePoint, filter_curve
from comus_core.runs.run_view import RunView
from comus_core.types import BoolMask, FloatArray
from comus_core.workspace.decisions import Decisions

StandIn = Literal["silhouette", "agreement", "confidence"]
NAMES: dict[StandIn, str] = {
    "silhouette": "Mean silhouette",
    "agreement": "Neighbours agreeing",
    "confidence": "Saliency confidence",
}
PAPER_BAND = (20.0, 40.0)  # per cent of each cluster: the filters of the paper


@dataclass(frozen=True, eq=False)
class CoreCurves:
    """Means over what is kept at one percentage for all categories.

    Attributes:
        percent: (101,) 0 to 100.
        kept: (101,) proposals.
        coverage: (101,) their share of the foreground proposals, 0 to 1.
        means: name -> (101,) mean over what is kept: silhouette −1 to 1, the others 0 to 1; NaN where nothing is kept.
            What the clustering did not measure is left out.
    """

    percent: FloatArray
    kept: FloatArray
    coverage: FloatArray
    means: dict[StandIn, FloatArray]


def curve_of(
    view: RunView, decided: Decisions, how: MatchingChoice | Matching = "auto", cluster: int | None = None
) -> list[CurvePoint]:
    """The filtered score at one percentage, 0 to 100, ranked as decided.

    `how` categories become classes is decided anew at each percentage, unless it is a matching. `cluster` is the id of
    the one category whose percentage varies, the others as decided; None is all of them alike.

    Returns:
        101 points; without ground truth their mIoU is NaN.
    """
    counted = view.counted(decided)
    if counted is not None:
        categories, ids = view.categories(decided), view.proposals.proposal_id
        rank, C = rank_of(view, decided, cluster), len(categories.ids)
        drawn = view.drawn(decided)
        always = drawn.ids, drawn.category
        return filter_curve(counted[0], ids, categories.category, rank, C, matching=how, always=always)
    curves = core_curves(view, decided, cluster)
    kept, coverage = curves.kept.tolist(), curves.coverage.tolist()
    return [CurvePoint(float(p), n, share, math.nan) for p, (n, share) in enumerate(zip(kept, coverage, strict=True))]


def rank_of(view: RunView, decided: Decisions, cluster: int | None = None) -> FloatArray:
    """(n,) a proposal is kept exactly while the percentage that varies is below this.

    That is the percentage of all categories or of one `cluster`; what the others keep, they keep at every percentage.
    """
    categories = view.categories(decided)
    if cluster is None:
        return categories.rank
    varies = (categories.id_of == cluster) & (categories.category >= 0)
    return np.where(varies, categories.rank, np.where(view.kept(decided), np.inf, 0.0))


def worths(view: RunView) -> dict[StandIn, FloatArray]:
    """What a proposal is worth without ground truth, by name: (n,) each, larger is better, NaN where unknown."""
    measured: tuple[StandIn, ...] = ("silhouette", "agreement")
    known = {name: 1.0 - np.asarray(view.alternatives[name], float) for name in measured if name in view.alternatives}
    return {**known, "confidence": np.asarray(view.proposals.score, float)}


def core_curves(view: RunView, decided: Decisions, cluster: int | None = None) -> CoreCurves:
    """The curves at 0 to 100 %, ranked as decided: of every category, or of one with the others as decided."""
    inside = view.categories(decided).category >= 0
    rank, percent = rank_of(view, decided, cluster)[inside], np.arange(101.0)
    order = np.argsort(-rank, kind="stable")
    kept = np.searchsorted(-rank[order], -percent, side="left")  # kept exactly while percent < rank
    means = {name: _means(values[inside][order], kept) for name, values in worths(view).items()}
    return CoreCurves(percent, kept, kept / max(len(rank), 1), means)


def mean_curve(view: RunView, decided: Decisions, values: FloatArray, cluster: int | None = None) -> FloatArray:
    """(101,) mean of any (n,) values over what is kept at 0 to 100 %, as in `core_curves`; unknown ones not counted."""
    inside = view.categories(decided).category >= 0
    rank = rank_of(view, decided, cluster)[inside]
    order = np.argsort(-rank, kind="stable")
    return _means(values[inside][order], np.searchsorted(-rank[order], -np.arange(101.0), side="left"))


def means_of(view: RunView, core: BoolMask) -> dict[StandIn, float]:
    """The same means over any core, such as that of a draft; NaN where nothing is kept."""
    return {name: mean_of_known(values[core]) for name, values in worths(view).items()}


def curve_table(curves: CoreCurves, scored: Sequence[CurvePoint] = (), precision: FloatArray | None = None) -> pa.Table:
    """The curves as a table of 101 rows.

    Columns: `filter_percent`, `kept`, `coverage`, `miou` in percent and `core_precision` where there is ground truth,
    and one for each stand-in; null where nothing is kept. `scored` are the points of `curve_of`, `precision` (101,) is
    that of `core_precision.precision_curve`.
    """
    columns = {
        "filter_percent": pa.array(curves.percent),
        "kept": pa.array(np.asarray(curves.kept), pa.int64()),
        "coverage": pa.array(curves.coverage),
    }
    if scored:
        columns["miou"] = pa.array([point.miou for point in scored], pa.float64())
    if precision is not None:
        columns["core_precision"] = pa.array(precision, from_pandas=True)
    return pa.table(columns | {name: pa.array(values, from_pandas=True) for name, values in curves.means.items()})


def _means(values: FloatArray, kept: FloatArray) -> FloatArray:
    """Mean of the first `kept` values for each of its entries, unknown ones not counted."""
    known = ~np.isnan(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    with np.errstate(invalid="ignore"):
        mean: FloatArray = total[kept] / count[kept]
    return mean


def mean_of_known(values: FloatArray) -> float:
    """The mean of what is not NaN; NaN of nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
