"""The table of objects: filter, order, rows to act on, and the downloads."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app import state
from app.components.shared import choices, fields, navigation, selection_bar, states
from app.data import object_rows
from app.data.object_rows import MOST_SHOWN, SIDES, RowFilter
from app.data.selection_data import digest_of_rows
from comus_core.runs.proposal_table import TABLE_FORMATS, TableFormat, encoded
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import is_drawn_id

KEY = "objects_table"
DIGITS = {  # what a column with digits behind the point is rounded to on the page
    **dict.fromkeys(("distance", "score", "circularity", "elongation", "area_share"), 3),
    **dict.fromkeys(("centroid_x", "centroid_y", "perimeter", "orientation"), 1),
    **dict.fromkeys(("mean_red", "mean_green", "mean_blue", "sharpness"), 1),
}


def show(view: RunView, decided: Decisions) -> None:
    """Draw the filter, the rows with what can be done with them, and the downloads."""
    table = object_rows.table_of(view, decided)
    wanted = _filter(view, decided, table)
    rows = object_rows.rows_of(view, table, wanted)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="objects_head"):
        st.markdown(f"**{len(rows):,} of {counted(table.num_rows, 'object')}**", width="content")
        _downloads(view, table, rows)
    if not len(rows):
        states.empty("No matching object", "Change the filter.", "search_off")
        return
    shown = rows[:MOST_SHOWN]
    if len(rows) > len(shown):
        st.caption(f"The first {MOST_SHOWN:,} in this order; the download has all.")
    some = shown[_rows(view, decided, table, shown)]
    _links(view, table, some)
    selection_bar.show(view, decided, some, key="objects_selection", with_download=False)


def _filter(view: RunView, decided: Decisions, table: pa.Table) -> RowFilter:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="objects_filter"):
        words = choices.searched("Find an id or a name", key="objects_search", width=220)
        side = choices.selected("Objects", SIDES, key="objects_side", width=190)
        known = choices.distinct({k: decided.name_of(k) for k in view.categories(decided).ids})
        categories = fields.several(
            *("Categories", "objects_categories", [k for k in state.setting("objects_categories", ()) if k in known]),
            list(known),
            lambda some: state.set_setting("objects_categories", tuple(some)),
            format_func=known.__getitem__,
            placeholder="All categories",
            label_visibility="collapsed",
            width=260,
        )
        by = choices.selected(
            "Order", {name: f"By {_words(name)}" for name in object_rows.sortable(table)}, key="objects_by", width=190
        )
        descending = fields.switch(
            *("Largest first", "objects_descending", bool(state.setting("objects_descending", False))),
            partial(state.set_setting, "objects_descending"),
        )
        selection = state.selection(view.run.id)
        only = bool(selection.gestures) and fields.switch(
            *("Map selection", "objects_on_map", bool(state.setting("objects_on_map", False))),
            partial(state.set_setting, "objects_on_map"),
            help="Only what is selected on the map",
        )
    chosen = {"selection": selection} if only else {}
    return RowFilter(words, tuple(categories), side, by=by, descending=descending, **chosen)


def _rows(view: RunView, decided: Decisions, table: pa.Table, shown: IntArray) -> IntArray:
    """Draw the rows; places among them of those that are selected.

    The browser keeps the places of ticked rows, so other rows, or the same after a decision, begin without a tick.
    """
    frame = table.take(pa.array(shown)).to_pandas().round(DIGITS).rename(columns=_words)
    key = f"{KEY}-{view.run.id}-{decided.version}-{digest_of_rows(shown)}"
    event: Any = st.dataframe(
        frame, hide_index=True, height=520, key=key, on_select="rerun", selection_mode="multi-row"
    )
    places = [place for place in event.selection.rows if place < len(shown)]
    return np.array(places, np.int64)


def _links(view: RunView, table: pa.Table, some: IntArray) -> None:
    """To the map and to the image of the row that is selected alone; else how to select some.

    A drawn object is on no map.
    """
    if len(some) != 1:
        st.caption("Tick rows to act on them; tick one to open its image, or to see it on the map.")
        return
    proposal = table.column("id")[int(some[0])].as_py()
    with st.container(horizontal=True, gap="small", key="objects_links"):
        for page, words in (("image", "Open the image"), ("explore", "Show on the map")):
            if page == "explore" and is_drawn_id(proposal):
                continue
            st.page_link(
                navigation.page(page),
                label=words,
                icon=navigation.PAGES[page].icon,
                query_params={"run": view.run.id, "proposal": proposal},
            )


def _downloads(view: RunView, table: pa.Table, rows: IntArray) -> None:
    def content(kind: TableFormat) -> bytes:
        return encoded(table.take(pa.array(rows)), kind, bom=True)

    for kind in TABLE_FORMATS:
        st.download_button(
            "CSV" if kind == "csv" else "Parquet",
            partial(content, kind),
            f"{view.run.id}-objects.{kind}",
            "text/csv" if kind == "csv" else "application/vnd.apache.parquet",
            key=f"objects_{kind}",
            icon=":material/download:",
            on_click="ignore",
        )


def _words(column: str) -> str:
    return column.replace("by_hand", "manual").replace("_", " ")
