"""A filter that is tried before it is saved: a draft is a `Decisions` that is not in the log yet."""

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
from comus_core.workspace.conflicts import overlap
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions, Event
from comus_core.workspace.decisions import apply as decide


def with_percent(draft: Decisions, percent: float, cluster: int | None = None) -> Decisions:
    """The draft with another percentage for one category (its id), or for all, which resets their own ones.

    Raises:
        SettingsError: a percentage outside 0 to 100.
    """
    require(0 <= percent <= 100, f"filter {percent}: must be a percentage from 0 to 100")
    if cluster is None:
        return replace(draft, filter_percent=float(percent), cluster_percent={})
    percents = {**draft.cluster_percent, cluster: float(percent)}
    return replace(draft, cluster_percent={c: p for c, p in percents.items() if p != draft.filter_percent})


def with_by(draft: Decisions, by: FilterBy) -> Decisions:
    """The draft with another ranking of the proposals.

    Raises:
        SettingsError: unknown ranking.
    """
    check_choice("filter by", by, FilterBy)
    return replace(draft, filter_by=by)


def same_filter(first: Decisions, second: Decisions, ids: Sequence[int]) -> bool:
    """Whether both have the same filter for the categories with these ids."""
    return (first.filter_by, first.percent_of(ids)) == (second.filter_by, second.percent_of(ids))


def border_first(view: RunView, draft: Decisions, cluster: int | None = None) -> tuple[IntArray, IntArray]:
    """Rows of the proposals that the draft drops and of those it keeps, nearest the threshold first; ties by row.

    `cluster` is the id of one category, None for all. Proposals without category are in neither.
    """
    categories = view.categories(draft)
    selected = (
        categories.category >= 0 if cluster is None else (categories.id_of == cluster) & (categories.category >= 0)
    )
    order = np.argsort(np.abs(categories.rank - categories.percents(draft)), kind="stable")
    keep = view.kept(draft)
    return order[(selected & ~keep)[order]], order[(selected & keep)[order]]


def changes(decided: Decisions, draft: Decisions) -> list[Event]:
    """The `filter` events that lead from the decisions to the draft, in order, without ids and times.

    If the percentage for all or the ranking differs: one for all categories, which resets their own percentages, and
    one per own percentage. Else one per category that differs.
    """
    new_ranking = decided.filter_by != draft.filter_by
    if new_ranking or decided.filter_percent != draft.filter_percent:
        first: dict[str, Any] = {"percent": draft.filter_percent} | ({"by": draft.filter_by} if new_ranking else {})
        payloads = [first, *({"percent": p, "cluster": k} for k, p in sorted(draft.cluster_percent.items()))]
    else:
        ids = sorted({*decided.cluster_percent, *draft.cluster_percent})
        before, after = decided.percent_of(ids), draft.percent_of(ids)
        payloads = [{"percent": after[k], "cluster": k} for k in ids if after[k] != before[k]]
    return [Event(0, "", "filter", payload) for payload in payloads]


def rebase(base: Decisions, draft: Decisions, decided: Decisions) -> Decisions:
    """The decisions with the draft's changes to its base; categories merged since are ignored."""
    for event in _of_existing(changes(base, draft), decided):
        decided = decide(decided, event)
    return decided


def is_independent(base: Decisions, draft: Decisions, decided: Decisions) -> bool:
    """Whether the draft's changes and the decisions of others since concern filters of different categories."""
    return not overlap(changes(base, draft), changes(base, decided))


def apply(workspace: Workspace, run: Run, decided: Decisions, draft: Decisions) -> Decisions:
    """Save the draft's changes to the filter, all or none; returns the resulting decisions.

    `decided` are the decisions that the person saw; others may have changed other categories since. What the draft says
    of merged categories is ignored.

    Raises:
        ConflictError: someone else has changed the same filter in the meantime; nothing is saved.
        WorkspaceError: the run came in a bundle and is read-only.
    """
    events = changes(decided, draft)

    def make(log: LogState) -> list[tuple[str, dict[str, Any]]]:
        return [(event.kind, event.payload) for event in _of_existing(events, log.state)]

    return workspace.decisions.append_all(run.id, run.artifacts["clustering"], make, based_on=decided.version)


def _of_existing(events: Sequence[Event], decided: Decisions) -> list[Event]:
    return [event for event in events if event.payload.get("cluster") not in decided.layout.into]


def dropped(view: RunView, draft: Decisions) -> int:
    """The number of proposals that the filter drops, without those in no category or a rejected one."""
    inside = view.categories(draft).category >= 0
    return int((inside & ~view.kept(draft)).sum())
