"""Decisions on single proposals and drawn objects: move, new category, accept, erase, put back."""

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
from comus_core.workspace.drawn_ids import named_object
from comus_core.workspace.layout import REJECTED, Layout, packed_ids

ALWAYS_CORE = "a drawn object is always core, so there is nothing to accept"


def move(view: RunView, proposals: Sequence[str], category: int | None, *, based_on: int | None = None) -> Decisions:
    """Move proposals and drawn objects to another category, or to the background with None.

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

    A drawn object is core wherever it is, so accepting says something only of a rejected or erased one: it is restored,
    and the others are left out of the decision.

    Raises:
        SettingsError: no such proposal, or it is in no category or a rejected one; only drawn objects of which
            accepting says nothing.
        ConflictError: someone else has changed one of them in the meantime.
    """
    decided, named = decided_in(view), existing_ids(view, proposals)
    ids = acceptable(view, decided, named)
    require(bool(ids) or not named, f"accept: {ALWAYS_CORE}")
    layout = decided.layout.accept(ids)
    clusters = np.array([layout.moved.get(p, _first_category(view, layout, p)) for p in ids], np.int64)
    category = view.labels(replace(decided, layout=layout)).categories(clusters)
    homeless = [named_object(p) for p, number in zip(ids, category, strict=True) if number < 0]
    require(
        not homeless,
        f"{homeless[0] if homeless else ''} is in no category, or in a rejected one: move it to one instead",
    )
    return decide(view, "accept", [], based_on, proposals=packed_ids(ids))


def erase(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Erase masks of proposals and drawn objects: their pixels are background in training labels and scores.

    Raises:
        SettingsError: no such proposal.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "erase", [], based_on, proposals=packed_ids(existing_ids(view, proposals)))


def put_back(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Bring what was rejected or erased back to the categories of their clusters; the others stay as they are.

    A drawn object goes back to the category that it was drawn in.

    Raises:
        SettingsError: no such proposal, or none of them is rejected or erased.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "put_back", [], based_on, proposals=packed_ids(existing_ids(view, proposals)))


def create(view: RunView, name: str, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Make a new category of proposals and drawn objects, which the filter always keeps; its id is above all others.

    Raises:
        SettingsError: no such proposal, none, or an empty name.
        ConflictError: someone else has moved one of them, or split its category, in the meantime.
    """
    ids = packed_ids(existing_ids(view, proposals))

    def make(log: LogState) -> dict[str, Any]:
        return {"made": [max(view.clusters - 1, log.highest_id) + 1]}

    return decide(view, "create", [], based_on, make=make, proposals=ids, name=name)


def acceptable(view: RunView, decided: Decisions, ids: Sequence[str]) -> list[str]:
    """Those of which accepting says something: proposals, and drawn objects that are erased or in no category."""
    layout, labels = decided.layout, view.labels(decided)
    if not layout.drawn:
        return list(ids)

    def is_core(name: str) -> bool:
        raw = np.array([layout.moved.get(name, layout.drawn[name])], np.int64)
        return name not in layout.erased and int(labels.categories(raw)[0]) >= 0

    return [p for p in ids if p not in layout.drawn or not is_core(p)]


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
