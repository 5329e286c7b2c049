"""What was chosen on the map, as pictures: the linked gallery, its count, its paging and its download."""

from __future__ import annotations

import html
from functools import partial

import streamlit as st

from app import state
from app.components.shared.gallery import gallery, image_link, paged
from app.data import urls
from app.data.colouring import Colouring
from app.data.map_choices import MAP_NAMES
from comus_core.runs.proposal_table import TABLE_FORMATS, TableFormat, encoded, proposal_table
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection


def show(view: RunView, rows: IntArray, selection: Selection, colours: Colouring, decided: Decisions, key: str) -> None:
    """Show the crops of `rows`: what `selection` holds, or all there are if it is empty."""
    chosen = bool(selection.gestures)
    with st.container(horizontal=True, vertical_alignment="center", key="selection_head"):
        words = (
            f"{len(rows):,} of {counted(len(view), 'proposal')} selected"
            if chosen
            else f"All {counted(len(view), 'proposal')}"
        )
        st.markdown(f"**{words}**", width="stretch")
        if chosen:
            st.button(
                "Clear",
                key="clear_selection",
                icon=":material/close:",
                type="tertiary",
                on_click=state.clear_selection,
            )
        _downloads(view, rows, decided)
    if not chosen:
        st.caption(
            "Draw a lasso or a box on the map to choose some; shift adds, alt subtracts. Click a point to see it."
        )
    elif selection.method != state.map_method():
        st.caption(f"Chosen on the {MAP_NAMES[selection.method]} map; on this one a new drawing starts afresh.")
    elif not len(rows):
        st.caption("No point lies inside. Draw again, or clear the selection.")
    turned = rows[paged(len(rows), key=key)]
    names, frames = [colours.name(int(row)) for row in turned], [colours.colour(int(row)) for row in turned]
    gallery(view, turned, captions=names, outlines=frames, size=160, key="selection_gallery")


def picked(view: RunView, row: int, colours: Colouring, decided: Decisions) -> None:
    """The point that was clicked: a larger crop, its names, the way to its photograph."""
    proposal_id = str(view.proposals.proposal_id[row])
    name, colour = colours.name(row), colours.colour(row)
    link = html.escape(image_link(view, proposal_id))
    found = view.categories(decided)
    distance = f"{float(found.distance[row]):.3f} from its centre" if found.category[row] >= 0 else "in no cluster"
    distance = "moved here by hand" if found.by_hand[row] else distance
    with st.container(key="picked"):
        st.html(
            f'<div class="comus-picked" data-proposal="{html.escape(proposal_id)}">'
            f'<a class="comus-link" href="{link}"><img src="{html.escape(urls.crop(view, row, 160, outline=colour))}" '
            f'width="112" height="112" alt="{html.escape(proposal_id)}"></a>'
            f'<div><b>{html.escape(proposal_id)}</b><span><i style="background:{colour}"></i>{html.escape(name)}</span>'
            f'<span>{distance}</span><a class="comus-link" href="{link}">Open the photograph</a></div></div>'
        )


def _downloads(view: RunView, rows: IntArray, decided: Decisions) -> None:
    """What is shown as a table: CSV for a spreadsheet, Parquet with its types; made when it is asked for."""
    with st.popover("Download", icon=":material/download:", key="download_rows", type="tertiary"):
        st.caption(f"{counted(len(rows), 'proposal')}: ids, boxes, clusters, names and ground truth, in this order.")

        def content(kind: TableFormat) -> bytes:
            return encoded(proposal_table(view, rows, decided), kind, bom=True)

        for kind in TABLE_FORMATS:
            mime = "text/csv" if kind == "csv" else "application/vnd.apache.parquet"
            name = f"{view.run.id}-proposals.{kind}"
            words = "CSV" if kind == "csv" else "Parquet"
            st.download_button(words, partial(content, kind), name, mime, key=f"download_{kind}", width="stretch")
