"""What the map shows of each proposal: its category, that category's name and colour, and whether it is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.palette import CORE, FILTERED, UNASSIGNED, colours
from comus_core.run_view import RunView
from comus_core.selection import select
from comus_core.types import BoolMask, IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection


@dataclass(frozen=True)
class Colouring:
    """One way to colour the proposals.

    Attributes:
        names: C names.
        colours: C colours `#rrggbb`.
        unassigned: what a proposal without a category is called.
        index: (n,) int32, −1 without a category.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]
    unassigned: str
    index: IntArray


def colouring(view: RunView, by: str, decided: Decisions) -> Colouring:
    """Colour by `cluster`, by `truth` (the class that fills most of the proposal) or by `core` and filtered."""
    if by == "truth":
        found = (UNASSIGNED, *colours(len(view.classes) - 1)) if view.classes else ()
        return Colouring(view.classes, found, "not labelled", view.truth_class)
    found, category = view.categories(decided), view.categories(decided).category
    if by == "core":
        index = np.where(category >= 0, np.where(view.kept(decided), 0, 1), -1)
        return Colouring(("core", "filtered"), (CORE, FILTERED), "unassigned", index.astype(np.int32))
    return Colouring(view.labels(decided).names, tuple(category_colours(found.ids)), "unassigned", category)


def category_colours(ids: Sequence[int]) -> list[str]:
    """Colours of the categories with these ids: a category keeps its own while others are merged or rejected."""
    sequence = colours(max(ids, default=-1) + 1)
    return [sequence[k] for k in ids]


def chosen(view: RunView, selection: Selection) -> BoolMask:
    """(n,) the proposals inside a selection, wherever other projections put them; all for the empty one."""
    if not selection.gestures:
        return np.ones(len(view), bool)
    return select(view.points(selection.method), selection.gestures)


def truth_colours(view: RunView) -> list[str]:
    """Colours of the foreground classes 1…n−1, the same on the map and in the layers."""
    return colours(max(len(view.classes) - 1, 0))
