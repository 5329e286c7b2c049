"""Crops dragged onto a category: one, or all that is selected if the dragged one is."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from app import state
from app.components.shared import deciding, notices
from app.data import selection_data
from app.data.colouring import category_colours
from app.data.plain_text import plain
from comus_core import curation
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import counted_objects

_mount = st.components.v2.component(
    "comus_crop_drag",
    html="<i hidden></i>",
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def listen(
    view: RunView, decided: Decisions, rows: IntArray, *, key: str, then: Callable[[], None] | None = None
) -> None:
    """Let the crops of a page be dragged; dropped on a category, they are moved there in one step of the log.

    A crop is what has `data-proposal` and `data-row`; a target is what has the id of a category as `data-drop`, or is
    the card of one.

    Args:
        view: the run.
        decided: its decisions as the page shows them.
        rows: rows of the selected objects (`DecidedObjects`), all of which move with one of them.
        key: prefix of the element's key.
        then: done after the selected ones were moved.
    """
    objects, rows = decided_objects(view, decided), np.asarray(rows, np.int64)
    mask = np.zeros(len(objects), bool)
    mask[rows] = True
    name = f"{key}_drag"
    data = {
        "bits": b64encode(np.packbits(mask).tobytes()).decode() if len(rows) else "",
        "count": len(rows),
        "proposals": len(view),  # rows from here on are drawn objects
        "words": counted_objects([str(p) for p in objects.ids[rows]]),
        "strip": _categories(view, decided, rows),
    }
    receive = partial(_receive, view, decided, rows, then)
    _mount(key=name, data=data, on_dropped_change=state.on_change(name, receive))


def drop(
    view: RunView, decided: Decisions, rows: IntArray, category: int, then: Callable[[], None] | None = None
) -> None:
    """Move the objects of `rows` to a category, and say so; where all of them are in it already, say that."""
    objects = decided_objects(view, decided)
    ids = [str(p) for p in objects.ids[rows]]
    number, name = counted_objects(ids), decided.name_of(category)
    if (objects.id_of[rows] == category).all():
        notices.say(plain(f"Nothing moved: {number} already in {name}"), "info")
        return
    deciding.act(view, f"Moved {number} to {name}", decided.version, partial(curation.move, view, ids, category), then)


def _receive(
    view: RunView, decided: Decisions, rows: IntArray, then: Callable[[], None] | None, result: Mapping[str, Any]
) -> None:
    """What was dropped just now: {proposal, whole, to}."""
    event = result.get("dropped")
    if not isinstance(event, Mapping):
        return
    row, category = decided_objects(view, decided).find(str(event.get("proposal"))), event.get("to")
    if row is None or not isinstance(category, int | float) or int(category) not in view.categories(decided).ids:
        return
    if event.get("whole") and row in rows:
        drop(view, decided, rows, int(category), then)
    else:
        drop(view, decided, np.array([row], np.int64), int(category))


def _categories(view: RunView, decided: Decisions, rows: IntArray) -> list[tuple[int, str, str]]:
    """Id, name and colour of every category, the most likely for the selected objects first."""
    ids = view.categories(decided).ids
    colour_of = dict(zip(ids, category_colours(ids), strict=True))
    if len(rows):
        names = selection_data.targets(view, decided, rows, selection_data.digest_of(view, decided, rows))
    else:
        names = {k: decided.name_of(k) for k in ids}
    return [(k, name, colour_of[k]) for k, name in names.items()]
