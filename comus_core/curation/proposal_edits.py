"""Decisions on single proposals: another category, always kept, no mask."""

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
    """Put proposals into another category, or by None into none, as background.

    Raises:
        SettingsError: no such proposal or category, or a rejected category.
        ConflictError: someone else moved one of them, or split its category, meanwhile.
    """
    named = _named(view, proposals)
    target = REJECTED if category is None else int(category)
    return decide(view, "move", [] if category is None else [category], based_on, proposals=named, category=target)


def accept(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Keep proposals in the core of their category at every filter; a rejected or erased one comes back to it.

    Raises:
        SettingsError: no such proposal, or one that is in no category even so, or in a rejected one.
        ConflictError: someone else decided on one of them meanwhile.
    """
    named = _named(view, proposals)
    decided = decided_in(view)
    layout = decided.layout.accepting(named)
    ids = np.array([layout.moved.get(p, view.cluster[view.row_of[p]]) for p in named], np.int64)
    category = view.labels(replace(decided, layout=layout)).categories(ids)
    homeless = [p for p, number in zip(named, category, strict=True) if number < 0]
    require(
        not homeless,
        f"proposal {homeless[0] if homeless else ''} is in no category, or in a rejected one: move it into one instead",
    )
    return decide(view, "accept", [], based_on, proposals=named)


def erase(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Take the masks of proposals away: their pixels are background in training labels and scores, never ignored.

    Raises:
        SettingsError: no such proposal.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide(view, "erase", [], based_on, proposals=_named(view, proposals))


def _named(view: RunView, proposals: Sequence[str]) -> list[str]:
    """The ids, each once, if the run has them all."""
    unknown = [p for p in proposals if p not in view.row_of]
    require(not unknown, f"proposal {unknown[0] if unknown else ''}: this run has none of that id, as in 2007_000032#0")
    return list(dict.fromkeys(map(str, proposals)))
