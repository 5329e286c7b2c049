"""Selected objects as a table to download: CSV for a spreadsheet, Parquet with its types; computed on a click."""

from __future__ import annotations

from functools import partial

import streamlit as st

from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.proposal_table import TABLE_FORMATS, TableFormat, encoded, proposal_table
from comus_core.runs.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import counted_objects


def show(view: RunView, rows: IntArray, decided: Decisions, *, key: str = "") -> None:
    """The button for the objects of `rows`, which are those of `DecidedObjects`; `key` is a prefix of its keys."""
    words = counted_objects([str(p) for p in decided_objects(view, decided).ids[rows]])
    with st.popover("Download", icon=":material/download:", key=f"{key}download_rows", type="tertiary"):
        st.caption(f"{words}: ids, boxes, clusters, names, ground truth, in the order shown.")

        def content(kind: TableFormat) -> bytes:
            return encoded(proposal_table(view, rows, decided), kind, bom=True)

        for kind in TABLE_FORMATS:
            mime = "text/csv" if kind == "csv" else "application/vnd.apache.parquet"
            name = f"{view.run.id}-proposals.{kind}"
            words = "CSV" if kind == "csv" else "Parquet"
            st.download_button(
                *(words, partial(content, kind), name, mime),
                key=f"{key}download_{kind}",
                width="stretch",
                on_click="ignore",  # a rerun after the first file can lose the answer for the second
            )
