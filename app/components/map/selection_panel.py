"""The selection on the map as crops: the linked gallery, its count, its paging and its download."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from app import state
from app.components.shared import proposal_download, selection_bar
from app.components.shared.gallery import gallery, image_link, paged
from app.data import similar_query, urls
from app.data.colouring import Colouring
from app.data.glossary import term_help
from app.data.map_choices import MAP_NAMES
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection


def show(view: RunView, rows: IntArray, selection: Selection, colours: Colouring, decided: Decisions, key: str) -> None:
    """Show the crops of `rows`: what `selection` holds, or all there are if it is empty."""
    some = bool(selection.gestures)
    with st.container(horizontal=True, vertical_alignment="center", key="selection_head"):
        words = (
            f"{len(rows):,} of {counted(len(view), 'proposal')} selected"
            if some
            else f"All {counted(len(view), 'proposal')}"
        )
        st.markdown(f"**{words}**", width="stretch", help=term_help("proposal"))
        if some:
            st.button(
                "Clear",
                key="clear_selection",
                icon=":material/close:",
                type="tertiary",
                on_click=state.clear_selection,
            )
        proposal_download.show(view, rows, decided)
    alone = view.row_of.get(state.picked() or "")
    acted_on = rows if some else np.array([] if alone is None else [alone], np.int64)
    selection_bar.show(view, decided, acted_on, key="map_selection", with_download=not some)
    if not some:
        st.caption(
            "Draw a lasso or a box to select proposals; Shift adds, Alt subtracts. Click a point to show its crop."
        )
    elif selection.method != state.map_method():
        st.caption(f"Selected on the {MAP_NAMES[selection.method]} map; drawing on this map starts a new selection.")
    elif not len(rows):
        st.caption("No point inside. Draw again, or clear the selection.")
    page = rows[paged(len(rows), key=key)]
    names, frames = [colours.name(int(row)) for row in page], [colours.colour(int(row)) for row in page]
    gallery(view, page, captions=names, outlines=frames, size=160, key="selection_gallery")


def picked(view: RunView, row: int, colours: Colouring, decided: Decisions) -> None:
    """The point that was clicked: a larger crop, its names, the link to its image."""
    proposal_id = str(view.proposals.proposal_id[row])
    name, colour = colours.name(row), colours.colour(row)
    link = html.escape(image_link(view, proposal_id))
    categories = view.categories(decided)
    distance = (
        f"{float(categories.distance[row]):.3f} from its centre" if categories.category[row] >= 0 else "in no cluster"
    )
    distance = "moved here manually" if categories.by_hand[row] else distance
    more = html.escape(similar_query.address(view.run.id, [proposal_id]))
    with st.container(key="picked"):
        st.html(
            f'<div class="comus-picked" data-proposal="{html.escape(proposal_id)}" data-row="{row}">'
            f'<a class="comus-link" href="{link}"><img src="{html.escape(urls.crop(view, row, 160, outline=colour))}" '
            f'width="112" height="112" alt="{html.escape(proposal_id)}"></a>'
            f'<div><b>{html.escape(proposal_id)}</b><span><i style="background:{colour}"></i>{html.escape(name)}</span>'
            f'<span>{distance}</span><a class="comus-link" href="{link}">Open the image</a>'
            f'<a class="comus-link" data-more-like href="{more}">More like this</a></div></div>'
        )
