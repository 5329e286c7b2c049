"""How long a large selection takes to be moved to a category, from the call until the log holds it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.interface_budgets import MOVE
from benchmarks.report import Report
from comus_core import curation
from comus_core.curation.likely_categories import likely_categories
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace import Run, Workspace

SELECTED, QUICK_SELECTED = 10_000, 1_000
TIMES = 3  # selections, each of other proposals


def selection_moved(report: Report, workspace: Workspace, run: Run, selected: int) -> None:
    """Move several selections, one after the other, then score the run as it is now, and undo the last move."""
    view = open_run_view(workspace, run)
    selected = min(selected, len(view) // TIMES)
    shuffled = np.random.default_rng(0).permutation(len(view))
    rows, now = np.sort(shuffled[:selected]), curation.decided_in(view)
    likely = _seconds(lambda: likely_categories(view, now, rows))
    mixed = view.proposals.proposal_id.astype(str)[shuffled]
    moves = []
    for number in range(TIMES):
        chosen = mixed[number * selected : (number + 1) * selected].tolist()
        before = curation.decided_in(view).version
        moves.append(_seconds(lambda chosen=chosen, before=before: curation.move(view, chosen, 7, based_on=before)))  # type: ignore[misc]
    decided = curation.decided_in(view)
    in_place = sum(decided.layout.moved.get(p) == 7 for p in mixed[: TIMES * selected].tolist())
    if in_place != TIMES * selected:
        raise RuntimeError(f"{in_place:,} of {TIMES * selected:,} proposals were moved")
    after = _seconds(lambda: (view.categories(decided), score_clusters(view, decided, filtered=True).score))
    undone = _seconds(lambda: curation.undo(view))
    words = f"{selected:,} selected proposals"
    report.add("move_selected", selected, "proposals moved by one decision", "")
    report.add("move_likely_seconds", likely, f"{words}: the most likely categories, first time", "s", MOVE)
    report.add("move_seconds", statistics.median(moves), f"{words} moved, log included (median of {TIMES})", "s", MOVE)
    report.add("move_worst_seconds", max(moves), f"{words} moved, the slowest", "s", MOVE)
    report.add("move_score_seconds", after, "categories and mIoU after the moves", "s")
    report.add("move_undo_seconds", undone, f"{words} moved back by undo", "s", MOVE)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
