"""A filter that is tried before it is decided: a draft is a `Decisions` that the log does not hold yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from comus_core.config import FilterBy
from comus_core.runs.run_view import RunView
from comus_core.settings import check_choice, require
from comus_core.types import IntArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.conflicts import meet
from comus_core.workspace.decision_steps import Standing
from comus_core.workspace.decisions import Decisions, Event
from comus_core.workspace.decisions import apply as decide


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


def changes(decided: Decisions, draft: Decisions) -> list[Event]:
    """The `filter` events that lead from what is decided to the draft, in order, their ids and times empty.

    One for all categories where the percentage of all or the ranking differs, which forgets their own, and then one for
    each of its own; else one for each category that differs, so that nothing is said of any other.
    """
    other = decided.filter_by != draft.filter_by
    if other or decided.filter_percent != draft.filter_percent:
        first: dict[str, Any] = {"percent": draft.filter_percent} | ({"by": draft.filter_by} if other else {})
        told = [first, *({"percent": p, "cluster": k} for k, p in sorted(draft.cluster_percent.items()))]
    else:
        ids = sorted({*decided.cluster_percent, *draft.cluster_percent})
        before, after = decided.percent_of(ids), draft.percent_of(ids)
        told = [{"percent": after[k], "cluster": k} for k in ids if after[k] != before[k]]
    return [Event(0, "", "filter", payload) for payload in told]


def on_top_of(base: Decisions, draft: Decisions, decided: Decisions) -> Decisions:
    """What is decided, and on it what the draft changed of its base; categories merged since are left out."""
    for event in _still_there(changes(base, draft), decided):
        decided = decide(decided, event)
    return decided


def stands_apart(base: Decisions, draft: Decisions, decided: Decisions) -> bool:
    """Whether what the draft changed, and what others decided since it began, are filters of different categories."""
    return not meet(changes(base, draft), changes(base, decided))


def apply(workspace: Workspace, run: Run, decided: Decisions, draft: Decisions) -> Decisions:
    """Write what the draft changes of the filter that was decided, all of it or nothing; return what is decided then.

    Args:
        workspace: of the run.
        run: with clusters.
        decided: what was decided when the person looked; others may have decided on other categories since.
        draft: the filter that is to be; merged categories are left out.

    Raises:
        ConflictError: someone else decided on the same filter meanwhile; nothing is written.
        WorkspaceError: the run came in a bundle and is read-only.
    """
    told = changes(decided, draft)

    def make(now: Standing) -> list[tuple[str, dict[str, Any]]]:
        return [(event.kind, event.payload) for event in _still_there(told, now.state)]

    return workspace.decisions.append_all(run.id, run.artifacts["clustering"], make, based_on=decided.version)


def _still_there(told: Sequence[Event], decided: Decisions) -> list[Event]:
    return [event for event in told if event.payload.get("cluster") not in decided.layout.into]


def dropped(view: RunView, draft: Decisions) -> int:
    """How many proposals the filter drops; what is in no category, or in a rejected one, is not dropped by it."""
    inside = view.categories(draft).category >= 0
    return int((inside & ~view.kept(draft)).sum())
