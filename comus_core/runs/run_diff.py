"""Where each proposal is now and where it was in another run or round: the same category, another, or none."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from comus_core.errors import WorkspaceError
from comus_core.runs.artifact_readers import categories_of, read_clusters
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import IntArray
from comus_core.workspace import Run
from comus_core.workspace.decisions import Decisions

Change = Literal["same", "other", "none"]
CHANGES: tuple[Change, ...] = get_args(Change)


def changes(own: IntArray, there: IntArray, known: IntArray | None = None) -> IntArray:
    """How each of n proposals compares, (n,) int32: its place in `CHANGES`, −1 where nothing is known of it.

    Args:
        own: (n,) category, negative in none.
        there: (n,) the same elsewhere, in the same numbers; negative in none.
        known: (n,) bool, of which anything is known there; None is all.

    Raises:
        SettingsError: lengths that differ.
    """
    own, there = np.asarray(own), np.asarray(there)
    require(own.shape == there.shape, f"changes: {own.shape} categories here and {there.shape} there")
    same = (own == there) | ((own < 0) & (there < 0))
    found = np.where(same, 0, np.where(there < 0, 2, 1))
    return np.where(np.ones(len(own), bool) if known is None else known, found, -1).astype(np.int32)


def stands_for(own: IntArray, there: IntArray, categories: int, others: int) -> IntArray:
    """(others,) which own category each category of another clustering stands for, −1 for none.

    One to one, so that as many proposals as can be are in the same category on both sides (Hungarian matching).

    Args:
        own: (n,) 0…categories − 1, negative in none.
        there: (n,) 0…others − 1, negative in none.
        categories: of the own clustering.
        others: of the other.
    """
    from scipy.optimize import linear_sum_assignment

    both = (own >= 0) & (there >= 0)
    shared = np.zeros((others, categories), np.int64)
    np.add.at(shared, (there[both], own[both]), 1)
    answer = np.full(others, -1, np.int32)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    met = shared[rows, columns] > 0
    answer[rows[met]] = columns[met]
    return answer


def comparable(view: RunView) -> list[Run]:
    """The other runs with clusters of the very same proposals, newest first."""
    own = view.run.artifacts["proposals"]
    return [
        run
        for run in view.workspace.runs.all()
        if run.id != view.run.id and "clustering" in run.artifacts and run.artifacts.get("proposals") == own
    ]


def category_in(view: RunView, other: Run, decided: Decisions) -> tuple[IntArray, tuple[str, ...], IntArray]:
    """Each proposal's category in another run of the same proposals.

    Returns:
        (n,) its number there, −1 in none; their names; (n,) the own category that it stands for, −1 for none.

    Raises:
        WorkspaceError: the other run is of other proposals, or its clusters are gone.
    """
    if other.artifacts.get("proposals") != view.run.artifacts["proposals"]:
        raise WorkspaceError(f"run {other.id} is of other proposals: a change is told between clusters of the same")
    table, theirs = read_clusters(view.workspace.artifact(other, "clustering")), view.workspace.decisions_of(other)
    found, row_of = categories_of(table, theirs), {p: row for row, p in enumerate(table.proposal_id)}
    there = found.category[[row_of[p] for p in view.proposals.proposal_id]]
    own = view.categories(decided)
    stands = np.append(stands_for(own.category, there, len(own.ids), len(found.ids)), np.int32(-1))
    return there, tuple(theirs.name_of(k) for k in found.ids), stands[there]
