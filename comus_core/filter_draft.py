"""A filter that is tried before it is decided: a draft is a `Decisions` that the log does not hold yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from comus_core.config import FilterBy, check_choice, require
from comus_core.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


def with_percent(draft: Decisions, percent: float, cluster: int | None = None) -> Decisions:
    """The draft with another percentage: of one category (its id), or of all, which forgets their own.

    Raises:
        SettingsError: a percentage outside 0 to 100.
    """
    require(0 <= percent <= 100, f"filter {percent}: a percentage from 0 to 100")
    if cluster is None:
        return replace(draft, filter_percent=float(percent), cluster_percent={})
    own = {**draft.cluster_percent, cluster: float(percent)}
    return replace(draft, cluster_percent={c: p for c, p in own.items() if p != draft.filter_percent})


def with_by(draft: Decisions, by: FilterBy) -> Decisions:
    """The draft with the proposals of every category ranked by something else.

    Raises:
        SettingsError: there is no such ranking.
    """
    check_choice("filter by", by, FilterBy)
    return replace(draft, filter_by=by)


def same_filter(one: Decisions, other: Decisions, ids: Sequence[int]) -> bool:
    """Whether both filter every one of the categories with these ids alike."""
    return (one.filter_by, one.percent_of(ids)) == (other.filter_by, other.percent_of(ids))


def border_first(view: RunView, draft: Decisions, cluster: int | None = None) -> tuple[IntArray, IntArray]:
    """Rows of the proposals that the draft drops and of those it keeps, nearest the border first; ties by row.

    Args:
        view: the run.
        draft: the filter that is tried.
        cluster: the id of a category, that one alone; None is all of them. What is in none is in neither answer.
    """
    found = view.categories(draft)
    asked = found.category >= 0 if cluster is None else (found.id_of == cluster) & (found.category >= 0)
    order = np.argsort(np.abs(found.rank - found.percents(draft)), kind="stable")
    keep = view.kept(draft)
    return order[(asked & ~keep)[order]], order[(asked & keep)[order]]


def changes(decided: Decisions, draft: Decisions) -> list[dict[str, Any]]:
    """The `filter` events that lead from what is decided to the draft, in order; as few as do it."""
    other = decided.filter_by != draft.filter_by
    whole = other or decided.filter_percent != draft.filter_percent
    forgotten = set(decided.cluster_percent) - set(draft.cluster_percent)
    known = {} if whole or forgotten else decided.cluster_percent
    first: dict[str, Any] = {"percent": draft.filter_percent} | ({"by": draft.filter_by} if other else {})
    events = [first] if whole or forgotten else []
    own = sorted(draft.cluster_percent.items())
    return events + [{"percent": p, "cluster": c} for c, p in own if known.get(c) != p]


def on_top_of(decided: Decisions, draft: Decisions) -> Decisions:
    """What is decided, with the draft's filter."""
    return replace(
        decided,
        filter_percent=draft.filter_percent,
        cluster_percent=draft.cluster_percent,
        filter_by=draft.filter_by,
    )


def apply(workspace: Workspace, run: Run, draft: Decisions) -> Decisions:
    """Write the draft's filter to the log, and return what is decided then; merged categories are left out."""
    gone = workspace.decisions_of(run).layout.into
    own = {k: p for k, p in draft.cluster_percent.items() if k not in gone}
    for event in changes(workspace.decisions_of(run), replace(draft, cluster_percent=own)):
        workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", **event)
    return workspace.decisions_of(run)
