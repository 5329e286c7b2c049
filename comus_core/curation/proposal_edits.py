"""Decisions on single proposals: move, new category, accept, erase, put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from comus_core.curation.decision_history import decide, decided_in
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import REJECTED, Layout, packed_ids


def move(view: RunView, proposals: Sequence[str], category: int | None, *, based_on: int | None = None) -> Decisions:
    """Move proposals to another category, or to the background with None.

    Raises:
        SettingsError: no such proposal or category, or a rejected category.
        ConflictError: someone else has moved one of them, or split its category, in the meantime.
    """
    ids = existing_ids(view, proposals)
    target = REJECTED if category is None else int(category)
    listed = packed_ids(ids)
    return decide(view, "move", [] if category is None else [category], based_on, proposals=listed, category=target)


def accept(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Always keep proposals in the core of their category; a rejected or erased one is restored.

    Raises:
        SettingsError: no such proposal, or it is in no category or a rejected one.
        ConflictError: someone else has changed one of them in the meantime.
    """
    ids = existing_ids(view, proposals)
    decided = decided_in(view)
    layout = decided.layout.accept(ids)
    clusters = np.array([layout.moved.get(p, _first_category(view, layout, p)) for p in ids], np.int64)
    category = view.labels(replace(decided, layout=layout)).categories(clusters)
    homeless = [p for p, number in zip(ids, category, strict=True) if number < 0]
    require(
        not homeless,
        f"proposal {homeless[0] if homeless else ''} is in no category, or in a rejected one: move it to one instead",
    )
    return decide(view, "accept", [], based_on, proposals=packed_ids(ids))


def erase(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Erase the masks of proposals: their pixels are background in training labels and scores, never ignored.

    Raises:
        SettingsError: no such proposal.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "erase", [], based_on, proposals=packed_ids(existing_ids(view, proposals)))


def put_back(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Bring rejected and erased proposals back to the categories of their clusters; the others stay as they are.

    Raises:
        SettingsError: no such proposal, or none of them is rejected or erased.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "put_back", [], based_on, proposals=packed_ids(existing_ids(view, proposals)))


def create(view: RunView, name: str, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Make a new category of proposals, which the filter always keeps; its id is above all others.

    Raises:
        SettingsError: no such proposal, none, or an empty name.
        ConflictError: someone else has moved one of them, or split its category, in the meantime.
    """
    ids = packed_ids(existing_ids(view, proposals))

    def make(log: LogState) -> dict[str, Any]:
        return {"made": [max(view.clusters - 1, log.highest_id) + 1]}

    return decide(view, "create", [], based_on, make=make, proposals=ids, name=name)


def existing_ids(view: RunView, proposals: Sequence[str]) -> list[str]:
    """The ids of proposals and drawn objects without duplicates, if the run has all of them."""
    unknown = [p for p in proposals if p not in view.row_of]
    if unknown:
        drawn = decided_in(view).layout.drawn
        unknown = [p for p in unknown if p not in drawn]
    require(not unknown, f"no proposal {unknown[0] if unknown else ''} in this run; ids are such as 2007_000032#0")
    return list(dict.fromkeys(map(str, proposals)))


def _first_category(view: RunView, layout: Layout, name: str) -> int:
    """The category that a proposal or drawn object was in at first."""
    return int(layout.drawn[name] if name in layout.drawn else view.cluster[view.row_of[name]])
