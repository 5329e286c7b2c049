"""Decisions on single proposals: move, accept, erase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from comus_core.curation.decision_history import decide, decided_in
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import REJECTED


def move(view: RunView, proposals: Sequence[str], category: int | None, *, based_on: int | None = None) -> Decisions:
    """Move proposals to another category, or to the background with None.

    Raises:
        SettingsError: no such proposal or category, or a rejected category.
        ConflictError: someone else has moved one of them, or split its category, in the meantime.
    """
    ids = _existing_ids(view, proposals)
    target = REJECTED if category is None else int(category)
    return decide(view, "move", [] if category is None else [category], based_on, proposals=ids, category=target)


def accept(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Always keep proposals in the core of their category; a rejected or erased one is restored.

    Raises:
        SettingsError: no such proposal, or it is in no category or a rejected one.
        ConflictError: someone else has changed one of them in the meantime.
    """
    ids = _existing_ids(view, proposals)
    decided = decided_in(view)
    layout = decided.layout.accept(ids)
    clusters = np.array([layout.moved.get(p, view.cluster[view.row_of[p]]) for p in ids], np.int64)
    category = view.labels(replace(decided, layout=layout)).categories(clusters)
    homeless = [p for p, number in zip(ids, category, strict=True) if number < 0]
    require(
        not homeless,
        f"proposal {homeless[0] if homeless else ''} is in no category, or in a rejected one: move it to one instead",
    )
    return decide(view, "accept", [], based_on, proposals=ids)


def erase(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Erase the masks of proposals: their pixels are background in training labels and scores, never ignored.

    Raises:
        SettingsError: no such proposal.
        ConflictError: someone else has changed one of them in the meantime.
    """
    return decide(view, "erase", [], based_on, proposals=_existing_ids(view, proposals))


def _existing_ids(view: RunView, proposals: Sequence[str]) -> list[str]:
    """The ids without duplicates, if the run has all of them."""
    unknown = [p for p in proposals if p not in view.row_of]
    require(not unknown, f"no proposal {unknown[0] if unknown else ''} in this run; ids are such as 2007_000032#0")
    return list(dict.fromkeys(map(str, proposals)))
