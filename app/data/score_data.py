"""Scores, curves and neighbours of the run looked at, each computed once and held. No Streamlit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, get_args

import numpy as np

from app.data.run_cache import Held
from comus_core.config import FilterBy
from comus_core.config import Matching as MatchingChoice
from comus_core.curation import Split, propose_split
from comus_core.curation.merge_suggestions import ConfusedPair, confused_pair, nearest_categories
from comus_core.errors import ComusError
from comus_core.evaluation.cluster_quality import ClusterQuality, cluster_quality
from comus_core.evaluation.matching import Matching, basis, mode_of
from comus_core.evaluation.report import CurvePoint
from comus_core.runs import similarity
from comus_core.runs.run_view import RunView
from comus_core.scoring import core_precision, score_tables
from comus_core.scoring.cluster_summary import ClusterSummary
from comus_core.scoring.cluster_summary import summaries as summaries_of
from comus_core.scoring.core_curves import CoreCurves, core_curves, curve_of
from comus_core.scoring.round_scores import frozen_matching, score_clusters
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decisions import Decisions

MatchingName = Literal["frozen", "hungarian", "counts", "majority"]
MATCHING_WORDS: dict[str, str] = {
    "frozen": "Frozen",
    "hungarian": "Hungarian",
    "counts": "Hungarian on pixels",
    "majority": "Majority",
}

_frozen: Held[Matching | str | None] = Held(6)
_curves: Held[list[CurvePoint]] = Held(48)
_stand_ins: Held[CoreCurves] = Held(24)
_rights: Held[FloatArray] = Held(12)
_qualities: Held[ClusterQuality | None] = Held(12)
_precisions: Held[FloatArray] = Held(24)
_nearest: Held[dict[int, list[int]]] = Held(6)
_confused: Held[ConfusedPair | None] = Held(6)
_splits: Held[Split] = Held(12)
_similar: Held[tuple[IntArray, FloatArray]] = Held(64)


def matchings(view: RunView, decided: Decisions) -> list[MatchingName]:
    """The matchings a person can choose from, that of the run's settings first."""
    mode = mode_of(view.run.config.matching, len(view.categories(decided).ids), len(view.classes) - 1)
    counts = basis(mode) == "pixels"  # offered where the run's settings say so
    first: MatchingName = "majority" if mode == "majority" else "counts" if counts else "hungarian"
    both: list[MatchingName] = [first, *(name for name in ("hungarian", "majority") if name != first)]
    return ["frozen", *both] if isinstance(_frozen_of(view, decided), Matching) else both


def matching_fault(view: RunView, decided: Decisions) -> str | None:
    """Why the matching that the run's settings freeze cannot be used, None if it can or none is frozen."""
    frozen = _frozen_of(view, decided)
    return frozen if isinstance(frozen, str) else None


def scored(view: RunView, decided: Decisions, matching: MatchingName, *, filtered: bool) -> ScoredRound:
    """The score under a matching; `filtered` counts dropped proposals as background.

    Raises:
        WorkspaceError: the run has no ground truth.
    """
    return score_clusters(view, decided, choice(view, decided, matching), filtered=filtered)


def rankings(view: RunView) -> list[FilterBy]:
    """What the filter of this run can rank by, the paper's distance first."""
    return [name for name in get_args(FilterBy) if name == "distance" or name in view.alternatives]


def curve(view: RunView, decided: Decisions, matching: MatchingName, cluster: int | None = None) -> list[CurvePoint]:
    """Kept, coverage and mIoU at 0 to 100 % of every category, or of one; mIoU is NaN without ground truth."""
    key = _curve_key(view, decided, cluster)
    how = choice(view, decided, matching)
    return _curves.get((key, matching), lambda: curve_of(view, decided, how, cluster))


def stand_ins(view: RunView, decided: Decisions, cluster: int | None = None) -> CoreCurves:
    """What a filter of 0 to 100 % of every category, or of one, is worth without ground truth."""
    return _stand_ins.get(_curve_key(view, decided, cluster), lambda: core_curves(view, decided, cluster))


def rightness(view: RunView, decided: Decisions, matching: MatchingName) -> FloatArray | None:
    """Which proposals are of the class that their category stands for, matched on every proposal; None without truth.

    See `core_precision.rightness`.
    """
    if not view.has_truth:
        return None

    def compare() -> FloatArray:
        return core_precision.rightness(view, decided, scored(view, decided, matching, filtered=False).matched)

    return _rights.get((_key(view), decided.layout_version, matching), compare)


def quality(view: RunView, decided: Decisions) -> ClusterQuality | None:
    """How well the clusters hold the proposals of a class together; None where none has a class."""

    def measure() -> ClusterQuality | None:
        return cluster_quality(view.categories(decided).category, core_precision.majority_class(view, decided))

    return _qualities.get((_key(view), decided.layout_version), measure)


def precision(
    view: RunView, decided: Decisions, matching: MatchingName, cluster: int | None = None
) -> FloatArray | None:
    """(101,) core precision of a filter of 0 to 100 % of every category, or of one; None without ground truth."""
    right = rightness(view, decided, matching)
    if right is None:
        return None
    key = (_curve_key(view, decided, cluster), matching)
    return _precisions.get(key, lambda: core_precision.precision_curve(view, decided, right, cluster))


def _curve_key(view: RunView, decided: Decisions, cluster: int | None) -> Hashable:
    """All that a curve depends on: of one category, the percentages of the others too."""
    ids = [k for k in view.categories(decided).ids if k != cluster] if cluster is not None else []
    others = decided.percent_of(ids)
    return _key(view), decided.layout_version, decided.filter_by, cluster, tuple(others.items())


def match_rows(view: RunView, decided: Decisions) -> list[score_tables.MatchRow]:
    """Which class each cluster stands for at p = 0 under the run's own matching; empty without ground truth."""
    if not view.has_truth:
        return []
    return score_tables.match_rows(scored(view, decided, matchings(view, decided)[0], filtered=False))


def summaries(view: RunView, decided: Decisions) -> list[ClusterSummary]:
    """A summary of every cluster, with its class where there is ground truth."""
    return summaries_of(view, decided, match_rows(view, decided))


def nearest(view: RunView, decided: Decisions) -> dict[int, list[int]]:
    """Category id -> ids of the nearest ones in the embedding."""
    return _nearest.get((_key(view), decided.layout_version), lambda: nearest_categories(view, decided))


def confused(view: RunView, decided: Decisions) -> ConfusedPair | None:
    """The two clusters most often confused: by ground truth, else by their neighbours."""

    def pair() -> ConfusedPair | None:
        if not view.has_truth:
            return confused_pair(view, decided)
        table = scored(view, decided, matchings(view, decided)[0], filtered=False).rows.contingency
        return confused_pair(view, decided, table)

    return _confused.get((_key(view), decided.layout_version), pair)


def proposed_split(view: RunView, decided: Decisions, category: int, parts: int, tries: int) -> Split:
    """What a split would give; `tries` counts other seeds after the run's own.

    Raises:
        SettingsError: the category cannot be split so.
    """
    key = (_key(view), decided.layout_version, category, parts, tries)
    return _splits.get(key, lambda: propose_split(view, category, parts, seed=view.run.config.seed + tries))


def similar(view: RunView, row: int, decided: Decisions) -> tuple[IntArray, FloatArray]:
    """Rows and cosines of the proposals most similar to that of `row`, ranked as by the page "More like these"."""

    def ranking() -> tuple[IntArray, FloatArray]:
        rows = np.array([row], np.int64)
        among = similarity.candidates(view, decided, rows)
        nearest = similarity.ranked(view, similarity.similarities(view, similarity.vectors_of_rows(view, rows)), among)
        return nearest.rows[: similarity.TOP], nearest.similarity[: similarity.TOP]

    return _similar.get((_key(view), row, decided.layout_version), ranking)


def explained(view: RunView, decided: Decisions, matching: MatchingName, filtered: bool) -> str:
    """What a score on the page means, in a line."""
    square = _square(view, decided)
    how = {
        "frozen": f"Matched as run {view.run.config.matching_from} was",
        "hungarian": "Each cluster became one class, one to one, so that the IoUs add up to the most"
        + ("" if square else "; clusters or classes are left over, since there are not as many of each"),
        "counts": "Each cluster became one class, one to one, so that the most pixels are equal",
        "majority": "Each cluster became the class it overlaps best; several may share one",
    }[matching]
    which = "proposals that the filter drops count as background" if filtered else "every proposal counts (round 0)"
    return f"{how}. All images with ground truth; {which}."


def _square(view: RunView, decided: Decisions) -> bool:
    """Whether there are as many categories as classes."""
    return len(view.categories(decided).ids) == len(view.classes) - 1


def choice(view: RunView, decided: Decisions, matching: MatchingName) -> MatchingChoice | Matching:
    """What a matching of the page comes to: a mode, or what the run's settings freeze."""
    if matching != "frozen":
        return matching
    frozen = _frozen_of(view, decided)
    return frozen if isinstance(frozen, Matching) else "auto"


def _frozen_of(view: RunView, decided: Decisions) -> Matching | str | None:
    other, categories = view.run.config.matching_from, len(view.categories(decided).ids)
    if other is None or not view.has_truth:
        return None

    def read() -> Matching | str:
        try:
            return frozen_matching(view.workspace, other, categories, view.classes)
        except ComusError as fault:
            return str(fault)

    return _frozen.get((_key(view), categories), read)


def _key(view: RunView) -> Hashable:
    return str(view.workspace.root), view.run.id, tuple(sorted(view.run.artifacts.items()))
