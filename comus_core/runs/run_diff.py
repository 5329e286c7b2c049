"""Where each proposal is now and where it was in another run or round: the same category, another, or none."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from comus_core.clustering.counterparts import counterparts
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

    Both categories are (n,) in the same numbers, negative in none; `known` (n,) is of which anything is known there,
    None is all.

    Raises:
        SettingsError: lengths that differ.
    """
    own, there = np.asarray(own), np.asarray(there)
    require(own.shape == there.shape, f"changes: {own.shape} categories here and {there.shape} there")
    same = (own == there) | ((own < 0) & (there < 0))
    change = np.where(same, 0, np.where(there < 0, 2, 1))
    return np.where(np.ones(len(own), bool) if known is None else known, change, -1).astype(np.int32)


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
        raise WorkspaceError(f"run {other.id} has other proposals: only clusters of the same proposals can be compared")
    table, theirs = read_clusters(view.workspace.artifact(other, "clustering")), view.workspace.decisions_of(other)
    others, row_of = categories_of(table, theirs), {p: row for row, p in enumerate(table.proposal_id)}
    there = others.category[[row_of[p] for p in view.proposals.proposal_id]]
    own = view.categories(decided)
    number, points = counterparts(own.category, there, (len(own.ids), len(others.ids)))
    stands = np.append(np.where(points > 0, number, -1), -1).astype(np.int32)
    return there, tuple(theirs.name_of(k) for k in others.ids), stands[there]
