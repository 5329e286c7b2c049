"""Decisions on whole categories: names, merges, splits, rejections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comus_core.curation.cluster_split import Split
from comus_core.curation.decision_history import decide
from comus_core.curation.merged_centre import exact, merged_members
from comus_core.runs.run_view import RunView
from comus_core.workspace.decision_steps import Standing
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import packed


def rename(view: RunView, category: int, name: str, *, based_on: int | None = None) -> Decisions:
    """Call a category by a name; two may have the same.

    Raises:
        SettingsError: an empty name, or no such category.
        ConflictError: someone else named it meanwhile.
    """
    return decide(view, "rename", [category], based_on, cluster=category, name=name)


def reset_name(view: RunView, category: int, *, based_on: int | None = None) -> Decisions:
    """Take a person's name off a category, so that it has its own again, as `cluster 7`.

    Raises:
        SettingsError: nobody named it, or no such category.
        ConflictError: someone else named it meanwhile.
    """
    return decide(view, "reset_name", [category], based_on, cluster=category)


def merge(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Make one category of several.

    It keeps the smallest id, that one's filter percentage, and its name; where that one has no name from a person but
    another has, it takes that name. Its proposals are ranked together by the distance to the one centre of all of them,
    the mean of their rows of the embedding, which the log holds.

    Raises:
        SettingsError: fewer than two, a rejected one, or no such category.
        ConflictError: someone else decided on one of them meanwhile.
    """
    ids = sorted({int(k) for k in categories})

    def make(now: Standing) -> dict[str, Any]:
        return {"members": packed(merged_members(view, now.state, ids))}

    return decide(view, "merge", categories, based_on, make=make, categories=ids)


def split(view: RunView, proposed: Split, *, based_on: int | None = None) -> Decisions:
    """Make parts of a category as proposed: the largest keeps its id, name and percentage, the others get new ids.

    The log holds the part and the distance of every proposal, so that nothing has to be computed to read it back.

    Raises:
        SettingsError: the category is gone or rejected.
        ConflictError: someone else decided on it, or moved one of its proposals, meanwhile.
    """
    ids, clusters, own = view.proposals.proposal_id, view.clusters, proposed.category

    def make(now: Standing) -> dict[str, Any]:
        first = max(clusters - 1, now.given) + 1
        made = list(range(first, first + proposed.parts - 1))
        number = [own, *made]
        triples = zip(proposed.rows, proposed.part, proposed.distance, strict=True)
        members = [[str(ids[row]), number[part], exact(distance)] for row, part, distance in triples]
        return {"category": own, "made": made, "parts": proposed.parts, "members": packed(members)}

    return decide(view, "split", [own], based_on, make=make)


def reject(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Take categories out: their proposals count as background in scores and are in no training label.

    Raises:
        SettingsError: no such category, or rejected already.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide(view, "reject", categories, based_on, categories=[int(k) for k in categories])


def restore(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Take rejected categories back in.

    Raises:
        SettingsError: no such category, or it is not rejected.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide(view, "restore", categories, based_on, categories=[int(k) for k in categories])
