"""The open image, and those before and after it. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import is_drawn_id
from comus_core.workspace.layout import image_of

WalkName = Literal["images", "cluster"]


@dataclass(frozen=True)
class Place:
    """An image, and what is open in it: the proposal of a row, or else the drawn object of that id, or nothing."""

    image_row: int
    row: int | None
    drawn: str | None = None


@dataclass(frozen=True)
class Walk:
    """Where a place is in a list of places; `before` and `after` are None at its ends, `number` is from 1."""

    before: Place | None
    after: Place | None
    number: int
    count: int


def place_of(view: RunView, decided: Decisions, object_id: str | None, image_id: str | None) -> Place | None:
    """The place of a proposal, a drawn object or an image; None if the run knows neither id.

    A drawn object that is no longer there, such as one that was undone, leads to its image.
    """
    if image_id in view.image_row_of:
        return _of_image(view, decided, view.image_row_of[image_id])
    name = object_id or ""
    if name in view.row_of:
        return _of_proposal(view, view.row_of[name])
    at = view.image_row_of.get(image_of(name)) if is_drawn_id(name) else None
    if at is None:
        return None
    return Place(at, None, name) if name in view.drawn(decided).row_of else _of_image(view, decided, at)


def first_place(view: RunView) -> Place | None:
    """The first image, one with a proposal if there is any; None for a run without images."""
    if len(view):
        return _of_proposal(view, 0)
    return Place(0, None) if len(view.image_ids) else None


def walk(view: RunView, place: Place, name: WalkName, decided: Decisions) -> Walk:
    """The way through all images by id, or through the proposals of a cluster, nearest its centre first.

    A place that is in no cluster is walked on by images.
    """
    categories = view.categories(decided)
    category = -1 if place.row is None else int(categories.category[place.row])
    if name == "cluster" and place.row is not None and category >= 0:
        rows = [int(row) for row in categories.rows[category]]
        return _walk([_of_proposal(view, r) for r in _around(rows, rows.index(place.row))], rows.index(place.row), rows)
    images = range(len(view.image_ids))
    return _walk([_of_image(view, decided, i) for i in _around(images, place.image_row)], place.image_row, images)


def find_image(view: RunView, text: str, after: int) -> int | None:
    """Row of the next image after row `after` whose id holds the words, in any case, going round; None if none does."""
    part, count = text.strip().casefold(), len(view.image_ids)
    rows = [(after + 1 + step) % count for step in range(count)] if part else []
    return next((row for row in rows if part in str(view.image_ids[row]).casefold()), None)


def _around(rows: Sequence[int], at: int) -> list[int]:
    return [rows[k] for k in (at - 1, at + 1) if 0 <= k < len(rows)]


def _walk(around: list[Place], at: int, rows: Sequence[int]) -> Walk:
    before = around[0] if at > 0 else None
    after = around[-1] if at < len(rows) - 1 else None
    return Walk(before, after, at + 1, len(rows))


def _of_image(view: RunView, decided: Decisions, image_row: int) -> Place:
    image_id = str(view.image_ids[image_row])
    rows, drawn = view.rows_of_image.get(image_id, []), view.drawn(decided)
    if rows:
        return Place(image_row, rows[0])
    own = drawn.of_image(image_id)
    return Place(image_row, None, str(drawn.ids[own[0]]) if len(own) else None)


def _of_proposal(view: RunView, row: int) -> Place:
    return Place(int(view.image_row[row]), row)
