"""A filter that is tried before it is decided: a draft is a `Decisions` that the log does not hold yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from comus_core.config import FilterBy, check_choice, require
from comus_core.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


def with_percent(draft: Decisions, percent: float, cluster: int | None = None) -> Decisions:
    """The draft with another percentage: of one cluster, or of all, which forgets those that clusters had of their own.

    Raises:
        SettingsError: a percentage outside 0 to 100.
    """
    require(0 <= percent <= 100, f"filter {percent}: a percentage from 0 to 100")
    if cluster is None:
        return replace(draft, filter_percent=float(percent), cluster_percent={})
    own = {**draft.cluster_percent, cluster: float(percent)}
    return replace(draft, cluster_percent={c: p for c, p in own.items() if p != draft.filter_percent})


def with_by(draft: Decisions, by: FilterBy) -> Decisions:
    """The draft with the proposals of every cluster ranked by something else.

    Raises:
        SettingsError: there is no such ranking.
    """
    check_choice("filter by", by, FilterBy)
    return replace(draft, filter_by=by)


def same_filter(one: Decisions, other: Decisions, clusters: int) -> bool:
    """Whether both filter every cluster alike."""
    return (one.filter_by, one.percent_of(clusters)) == (other.filter_by, other.percent_of(clusters))


def border_first(view: RunView, draft: Decisions, cluster: int | None = None) -> tuple[IntArray, IntArray]:
    """Rows of the proposals that the draft drops and of those it keeps, nearest the border first; ties by row.

    Args:
        view: the run.
        draft: the filter that is tried.
        cluster: that one alone; None is all of them. What is in no cluster is in neither answer.
    """
    percents = np.array([*draft.percent_of(view.clusters).values(), 0.0])[view.cluster]
    asked = view.cluster >= 0 if cluster is None else view.cluster == cluster
    order = np.argsort(np.abs(view.rank_by(draft.filter_by) - percents), kind="stable")
    keep = view.kept(draft)
    return order[(asked & ~keep)[order]], order[(asked & keep)[order]]


def changes(decided: Decisions, draft: Decisions) -> list[dict[str, float | int | str]]:
    """The `filter` events that lead from what is decided to the draft, in order; as few as do it."""
    other = decided.filter_by != draft.filter_by
    whole = other or decided.filter_percent != draft.filter_percent
    forgotten = set(decided.cluster_percent) - set(draft.cluster_percent)
    known = {} if whole or forgotten else decided.cluster_percent
    first: dict[str, float | int | str] = {"percent": draft.filter_percent}
    first |= {"by": draft.filter_by} if other else {}
    events = [first] if whole or forgotten else []
    own = sorted(draft.cluster_percent.items())
    return events + [{"percent": p, "cluster": c} for c, p in own if known.get(c) != p]


def apply(workspace: Workspace, run: Run, draft: Decisions) -> Decisions:
    """Write the draft's filter to the log, and return what is decided then."""
    for event in changes(workspace.decisions_of(run), draft):
        workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", **event)
    return workspace.decisions_of(run)
