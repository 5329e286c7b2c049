"""How pure the core is, by ground truth: how many of its proposals are of the class that their category stands for."""

from __future__ import annotations

import numpy as np

from comus_core.evaluation.cluster_quality import NO_CLASS, majority_classes
from comus_core.evaluation.matching import Matching
from comus_core.runs.run_view import RunView
from comus_core.scoring.core_curves import mean_curve
from comus_core.types import BoolMask, FloatArray, IntArray
from comus_core.workspace.decisions import Decisions


def majority_class(view: RunView, decided: Decisions) -> IntArray:
    """(n,) the class, background included, of most of a proposal's pixels; of equals the first.

    By the masks that a person drew, where there are some; −1 where no pixel was counted: without ground truth, or where
    all of it is ignored.
    """
    counts = view.counts_of(decided)
    return np.full(len(view), NO_CLASS, np.int64) if counts is None else majority_classes(counts, view.count_rows)


def rightness(view: RunView, decided: Decisions, matching: Matching) -> FloatArray:
    """(n,) 1 where a proposal's majority class is the class that its category is matched to, else 0.

    NaN where the proposal has no majority class, and in no category: these are in no mean. A category without a class
    has no right proposal.

    Args:
        view: the run.
        decided: its categories.
        matching: a class for the background and each of the C categories. To compare filters, use one for all of them,
            such as that of every proposal (p = 0).
    """
    category, majority = view.categories(decided).category, majority_class(view, decided)
    stands_for = np.asarray(matching.class_of)[1:][category] if len(matching.class_of) > 1 else category
    right = np.where(majority == stands_for, 1.0, 0.0)
    right[(majority < 0) | (category < 0)] = np.nan
    return right


def precision_curve(view: RunView, decided: Decisions, right: FloatArray, cluster: int | None = None) -> FloatArray:
    """(101,) core precision at 0 to 100 %: the mean of `right` over what is kept, 0 to 1; NaN where that is unknown.

    Args:
        view: the run.
        decided: as for `core_curves`.
        right: of `rightness`.
        cluster: id of the one category whose percentage varies; None is all of them alike.
    """
    return mean_curve(view, decided, right, cluster)


def precision_of(right: FloatArray, core: BoolMask) -> float:
    """Core precision of any core, such as that of a draft, 0 to 1; NaN where it is unknown."""
    known = right[core & ~np.isnan(right)]
    return float(known.mean()) if len(known) else float("nan")
