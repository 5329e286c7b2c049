"""What was chosen on the map, as pictures: the linked gallery, its count and its paging."""

from __future__ import annotations

import csv
import html
import io

import numpy as np
import streamlit as st

from app import state, urls
from app.colouring import Colouring
from app.components.gallery import gallery, image_link, paged
from app.palette import UNASSIGNED
from comus_core.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection

METHODS = {"tsne": "t-SNE", "umap": "UMAP"}


def show(view: RunView, rows: IntArray, selection: Selection, colours: Colouring, decided: Decisions, key: str) -> None:
    """Show the crops of `rows`: what `selection` holds, or all there are if it is empty."""
    chosen = bool(selection.gestures)
    with st.container(horizontal=True, vertical_alignment="center", key="selection_head"):
        words = f"{len(rows):,} of {len(view):,} proposals selected" if chosen else f"All {len(view):,} proposals"
        st.markdown(f"**{words}**", width="stretch")
        if chosen:
            st.button("Clear", key="clear_selection", icon=":material/close:", on_click=state.clear_selection)
            st.download_button(
                "Ids",
                lambda: _ids(view, rows, decided),
                "proposals.csv",
                "text/csv",
                key="download_ids",
                icon=":material/download:",
            )
    if not chosen:
        st.caption(
            "Draw a lasso or a box on the map to choose some; shift adds, alt subtracts. Click a point to see it."
        )
    elif selection.method != state.map_method():
        st.caption(f"Chosen on the {METHODS[selection.method]} map; on this one a new drawing starts afresh.")
    elif not len(rows):
        st.caption("No point lies inside. Draw again, or clear the selection.")
    turned = rows[paged(len(rows), key=key)]
    index = colours.index[turned]
    names = [colours.names[i] if i >= 0 else colours.unassigned for i in index]
    frames = [colours.colours[i] if i >= 0 else UNASSIGNED for i in index]
    gallery(view, turned, captions=names, outlines=frames, size=160, key="selection_gallery")


def picked(view: RunView, row: int, colours: Colouring, decided: Decisions) -> None:
    """The point that was clicked: a larger crop, its names, the way to its photograph."""
    proposal_id = str(view.proposals.proposal_id[row])
    index = int(colours.index[row])
    name = colours.names[index] if index >= 0 else colours.unassigned
    colour = colours.colours[index] if index >= 0 else UNASSIGNED
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


def in_order(view: RunView, chosen: IntArray, decided: Decisions) -> IntArray:
    """Rows by category, the nearest to its centre first; unassigned ones last."""
    found = view.categories(decided)
    category = np.where(found.category[chosen] < 0, len(found.ids), found.category[chosen])
    return np.asarray(chosen[np.lexsort((found.distance[chosen], category))])


def _ids(view: RunView, rows: IntArray, decided: Decisions) -> str:
    """CSV: the id of each proposal, its category's stable id (−1 for none) and that category's name."""
    found, file = view.categories(decided), io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("proposal_id", "cluster", "name"))
    for row in rows:
        there = found.category[row] >= 0
        cluster = int(found.id_of[row]) if there else -1
        writer.writerow((view.proposals.proposal_id[row], cluster, decided.name_of(cluster) if there else ""))
    return file.getvalue()
