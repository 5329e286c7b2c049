"""Decisions on whole categories: names, merges, splits, rejections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comus_core.curation.cluster_split import Split
from comus_core.curation.decision_history import decide
from comus_core.curation.merged_centre import exact, merged_members
from comus_core.runs.run_view import RunView
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import packed


def rename(view: RunView, category: int, name: str, *, based_on: int | None = None) -> Decisions:
    """Name a category; two categories may have the same name.

    Raises:
        SettingsError: an empty name, or no such category.
        ConflictError: someone else named it in the meantime.
    """
    return decide(view, "rename", [category], based_on, cluster=category, name=name)


def reset_name(view: RunView, category: int, *, based_on: int | None = None) -> Decisions:
    """Reset the name of a category to its default, such as `cluster 7`.

    Raises:
        SettingsError: it was not named, or no such category.
        ConflictError: someone else named it in the meantime.
    """
    return decide(view, "reset_name", [category], based_on, cluster=category)


def merge(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Merge categories.

    The result keeps the smallest id with its filter percentage and its name, or else the name of another part. All
    proposals are ranked by the distance to their common centre, the mean of their rows of the embedding, which is
    stored in the log.

    Raises:
        SettingsError: fewer than two, a rejected one, or no such category.
        ConflictError: someone else has changed one of them in the meantime.
    """
    ids = sorted({int(k) for k in categories})

    def make(log: LogState) -> dict[str, Any]:
        return {"members": packed(merged_members(view, log.state, ids))}

    return decide(view, "merge", categories, based_on, make=make, categories=ids)


def split(view: RunView, proposed: Split, *, based_on: int | None = None) -> Decisions:
    """Split a category as proposed: the largest part keeps its id, name and percentage, the others get new ids.

    The log stores the part and the distance of every proposal, so that reading it needs no computation.

    Raises:
        SettingsError: the category is merged or rejected.
        ConflictError: someone else has changed it, or moved one of its proposals, in the meantime.
    """
    ids, clusters, category = view.proposals.proposal_id, view.clusters, proposed.category

    def make(log: LogState) -> dict[str, Any]:
        first = max(clusters - 1, log.highest_id) + 1
        new_ids = list(range(first, first + proposed.parts - 1))
        number = [category, *new_ids]
        triples = zip(proposed.rows, proposed.part, proposed.distance, strict=True)
        members = [[str(ids[row]), number[part], exact(distance)] for row, part, distance in triples]
        return {"category": category, "made": new_ids, "parts": proposed.parts, "members": packed(members)}

    return decide(view, "split", [category], based_on, make=make)


def reject(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Reject categories: their proposals count as background in scores and training labels.

    Raises:
        SettingsError: no such category, or rejected already.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "reject", categories, based_on, categories=[int(k) for k in categories])


def restore(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Restore rejected categories.

    Raises:
        SettingsError: no such category, or it is not rejected.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "restore", categories, based_on, categories=[int(k) for k in categories])
