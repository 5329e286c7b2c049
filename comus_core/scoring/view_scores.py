"""Scores of an opened run under any filter, decided or only tried: fast enough for a slider at 100,000 proposals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.errors import WorkspaceError
from comus_core.evaluation.counts import BACKGROUND, Counts, contingency
from comus_core.evaluation.matching import Matching, match
from comus_core.evaluation.report import CurvePoint, Score, filter_curve, score
from comus_core.runs.run_view import RunView
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True, eq=False)
class ViewScore:
    """A score with what it was made from.

    Attributes:
        score: the figures.
        contingency: (C + 1, n) int64 pixels of predicted category and class, row 0 predicted background.
        matched: the class of each of the C + 1 rows.
    """

    score: Score
    contingency: IntArray
    matched: Matching


def score_view(
    view: RunView,
    decided: Decisions,
    mode: MatchingChoice = "auto",
    *,
    filtered: bool,
    frozen: Matching | None = None,
) -> ViewScore:
    """The score of all images, equal to `scoring.score_run` for the same decisions.

    Args:
        view: a run with counts.
        decided: names and filter percentages, from the log or a draft.
        mode: how categories become classes where `frozen` does not say.
        filtered: dropped proposals count as background; False counts every proposal (p = 0).
        frozen: another run's matching, used as it is.

    Raises:
        WorkspaceError: the run has no ground truth.
    """
    counts, labels = _counts(view), view.labels(decided)
    category = view.categories(decided).category
    if filtered:
        category = np.where(view.kept(decided), category, BACKGROUND)
    counted = view.count_rows >= 0
    aligned = np.full(len(counts), BACKGROUND, np.int64)
    aligned[view.count_rows[counted]] = category[counted]
    table = contingency(counts, aligned, labels.C)
    matched = frozen or match(table, mode)
    return ViewScore(score(table, matched, view.classes, ("background", *labels.names)), table, matched)


def coverage(view: RunView, decided: Decisions) -> float:
    """Share (0…1) of the foreground proposals that the filter keeps."""
    foreground = view.categories(decided).category >= 0
    return float(view.kept(decided).sum() / max(int(foreground.sum()), 1))


def curve_of(
    view: RunView,
    decided: Decisions,
    mode: MatchingChoice = "auto",
    frozen: Matching | None = None,
    cluster: int | None = None,
) -> list[CurvePoint]:
    """The filtered score at one percentage, 0 to 100, ranked as decided.

    Args:
        view: a run with counts.
        decided: names and filter percentages, from the log or a draft.
        mode: how categories become classes where `frozen` does not say.
        frozen: another run's matching.
        cluster: id of the one category whose percentage varies, the others as decided; None is all of them alike.

    Raises:
        WorkspaceError: the run has no ground truth.
    """
    found, ids = view.categories(decided), view.proposals.proposal_id
    C = len(found.ids)
    rank = rank_of(view, decided, cluster)
    return filter_curve(_counts(view), ids, found.category, rank, C, mode=mode, frozen=frozen)


def rank_of(view: RunView, decided: Decisions, cluster: int | None = None) -> FloatArray:
    """(n,) a proposal is kept exactly while the percentage that varies is below this.

    That is the percentage of all categories or of one `cluster`; what the others keep, they keep at every percentage.
    """
    found = view.categories(decided)
    if cluster is None:
        return found.rank
    varies = (found.id_of == cluster) & (found.category >= 0)
    return np.where(varies, found.rank, np.where(view.kept(decided), np.inf, 0.0))


def coverage_curve(view: RunView, decided: Decisions, cluster: int | None = None) -> list[CurvePoint]:
    """The same points for runs without ground truth: kept and coverage, mIoU is NaN."""
    limits = np.sort(rank_of(view, decided, cluster)[view.categories(decided).category >= 0])
    core = [len(limits) - int(np.searchsorted(limits, percent, side="right")) for percent in range(101)]
    return [CurvePoint(float(p), kept, kept / max(len(limits), 1), math.nan) for p, kept in enumerate(core)]


def _counts(view: RunView) -> Counts:
    counts = view.counts
    if counts is None:
        raise WorkspaceError(f"run {view.run.id} has no score: its data set has no ground truth")
    return counts
