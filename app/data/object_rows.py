"""The rows of the table of objects: filtered, sorted, as a page shows them. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.data.run_cache import Held
from comus_core.runs.object_measures import are_measured
from comus_core.runs.object_table import object_table
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection

MOST_SHOWN = 2_000  # rows that are sent to the browser; the download has all
Side = Literal["all", "core", "filtered", "accepted", "by_hand", "erased", "unassigned"]
SIDES: Mapping[Side, str] = {
    "all": "All objects",
    "core": "Core",
    "filtered": "Filtered",
    "accepted": "Accepted",
    "by_hand": "Moved or drawn manually",
    "erased": "Erased",
    "unassigned": "In no category",
}
_tables: Held[pa.Table] = Held(3)
_ready: Held[bool] = Held(24)


@dataclass(frozen=True)
class RowFilter:
    """Which objects are listed, and in which order.

    Attributes:
        words: part of the id of an object or image, or of a name; any case.
        categories: stable ids; none for all.
        side: one of `SIDES`.
        selection: on the map; the empty one for all.
        by: a column.
        descending: largest first.
    """

    words: str = ""
    categories: tuple[int, ...] = ()
    side: Side = "all"
    selection: Selection = field(default_factory=Selection)
    by: str = "id"
    descending: bool = False


def is_ready(view: RunView, decided: Decisions) -> bool:
    """Whether the table is read and not measured: measuring reads every image, which a job does. A yes is held."""
    key = _key(view, decided)
    if key not in _ready:
        if not are_measured(view, decided):
            return False
        _ready.get(key, lambda: True)
    return True


def table_of(view: RunView, decided: Decisions) -> pa.Table:
    """The table of all objects; held until a decision changes it.

    Raises:
        WorkspaceError: an artifact is gone.
    """
    return _tables.get(_key(view, decided), lambda: object_table(view, decided))


def _key(view: RunView, decided: Decisions) -> tuple[object, ...]:
    return (str(view.workspace.root), tuple(sorted(view.run.artifacts.items())), view.run.id, decided.version)


def rows_of(view: RunView, table: pa.Table, wanted: RowFilter) -> IntArray:
    """Rows of the table, filtered and sorted; what has no value comes last."""
    keep = np.ones(table.num_rows, bool)
    if wanted.words.strip():
        keep &= _holds(table, wanted.words.strip())
    if wanted.categories:
        keep &= pc.is_in(table.column("category"), pa.array(wanted.categories, pa.int32())).to_numpy()
    if wanted.selection.gestures:
        keep[: len(view)] &= chosen(view, wanted.selection)
        keep[len(view) :] = False  # drawn objects are on no map
    keep &= _on_side(table, wanted.side)
    keys = [(wanted.by, "descending" if wanted.descending else "ascending")]
    order: IntArray = np.asarray(pc.sort_indices(table, sort_keys=keys), np.int64)
    return order[keep[order]]


def sortable(table: pa.Table) -> list[str]:
    """Columns to sort by: all of them."""
    return [str(name) for name in table.column_names]


def _holds(table: pa.Table, words: str) -> IntArray:
    found = np.zeros(table.num_rows, bool)
    for name in ("id", "name"):
        matches = pc.match_substring(table.column(name), words, ignore_case=True)
        found |= pc.fill_null(matches, False).to_numpy()
    return np.asarray(found)


def _on_side(table: pa.Table, side: Side) -> IntArray:
    inside = pc.is_valid(table.column("category")).to_numpy()
    if side == "all":
        return np.ones(table.num_rows, bool)
    if side == "unassigned":
        return np.asarray(~inside)
    if side == "filtered":
        return np.asarray(inside & ~table.column("core").to_numpy())
    column = table.column(side).to_numpy()
    return np.asarray(inside & column if side == "core" else column)
