"""The grid of a run's images, and what is done with the selected ones."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import state
from app.components.photos.image_grid import image_grid
from app.components.shared import navigation, notices, page_data, selection_bar, states
from app.components.shared.gallery import drawn_gallery, gallery, paged
from app.data import photo_filter
from app.data.colouring import colouring
from app.data.photo_filter import Filtered, Values
from app.server import photo_routes
from comus_core.errors import ComusError
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import counted_objects

PAGE_SIZE = 24  # crops of the selected images
LONGEST = 600  # characters of a selection in the address


def grid(view: RunView, decided: Decisions, values: Values, found: Filtered) -> IntArray:
    """Draw the images that meet the conditions; returns the rows of the selected ones among them."""
    shown = len(found.images)
    total = len(view.image_ids)
    st.markdown(f"**{counted(shown, 'image')}**" + ("" if shown == total else f" of {total:,}"))
    if not shown:
        states.empty("No matching image", "Change the conditions, or show all images.", "search_off")
        return found.images
    chosen = _chosen(view, found)
    places = np.searchsorted(found.images, chosen)
    opened = image_grid(
        key=f"image-grid-{view.run.id}",
        about=f"{view.run.id} {photo_filter.to_text(values)}",
        count=shown,
        list_url=photo_routes.list_url(view, decided, values),
        image_url=photo_routes.thumbnail_url(view),
        picked=photo_filter.to_ranges(places),
        on_picked=lambda ranges: _keep(found.images[photo_filter.from_ranges(ranges, shown)]),
        label="Images of the run with their masks",
    )
    if opened is not None:
        meant = found.proposals_in(view, [int(found.images[opened])])
        of_image = {state.IMAGE: str(view.image_ids[found.images[opened]])}
        of_proposal = {state.PROPOSAL: str(view.proposals.proposal_id[meant[0]])} if len(meant) else None
        navigation.go("image", run=view.run.id, **(of_proposal or of_image))
    return chosen


def selection(view: RunView, decided: Decisions, found: Filtered, chosen: IntArray) -> None:
    """The selected images: their objects with the actions on them, and a run of them alone."""
    if not len(chosen):
        st.caption("Select images to act on their objects or to start a run from them.")
        return
    rows = found.objects_in(view, decided, chosen)
    ids = [str(p) for p in decided_objects(view, decided).ids[rows]]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="photo_selection"):
        words = f"{counted(len(chosen), 'image')} with {counted_objects(ids)} selected"
        st.markdown(f"**{words}**", width="content")
        st.button("Clear", key="photo_clear", icon=":material/close:", type="tertiary", on_click=_clear)
        if not view.run.read_only and st.button(
            f"Start a run from {'this image' if len(chosen) == 1 else f'these {len(chosen):,} images'}",
            key="photo_start_run",
            icon=":material/add_circle:",
            help="Opens Discover with these images alone",
        ):
            key = page_data.workspace().image_lists.keep([str(i) for i in view.image_ids[chosen]])
            navigation.go("new", **{state.DATA: view.run.config.dataset, state.ONLY: key})
    images = [str(i) for i in view.image_ids[chosen]]
    selection_bar.show(view, decided, rows, key="photos", images=images)
    if len(rows):
        colours = colouring(view, "cluster", decided)
        page = rows[paged(len(rows), key=f"photos-{view.run.id}-{len(rows)}", page_size=PAGE_SIZE)]
        own, drawn = page[page < len(view)], page[page >= len(view)] - len(view)
        names, frames = [colours.name(int(r)) for r in own], [colours.colour(int(r)) for r in own]
        gallery(view, own, captions=names, outlines=frames, size=160, key="photo_gallery")
        drawn_gallery(view, decided, drawn, size=160, key="photo_drawn")


def _chosen(view: RunView, found: Filtered) -> IntArray:
    """Rows of the images selected before, those that the conditions let through."""
    text = state.parameter(state.PICKED)
    try:
        ranges = page_data.workspace().image_lists.text(text[1:]) if text.startswith("k") else text
    except ComusError:
        ranges = ""
    rows = photo_filter.from_ranges(ranges, len(view.image_ids))
    return np.intersect1d(rows, found.images, assume_unique=True)


def _keep(rows: IntArray) -> None:
    """Into the address; a selection too long for it under a key."""
    ranges = photo_filter.to_ranges(rows)
    if len(ranges) > LONGEST:
        try:
            ranges = f"k{page_data.workspace().image_lists.keep_text(ranges)}"
        except ComusError as fault:  # a workspace that cannot be written
            notices.fault(fault)
            return
    state.set_parameter(state.PICKED, ranges)


def _clear() -> None:
    state.set_parameter(state.PICKED, "")
