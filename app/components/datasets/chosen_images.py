"""Which images of the data set a new run uses: what is excluded, and whether it is of a few selected ones alone."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import state
from app.components.datasets import listed_images
from app.components.datasets.dataset_picker import Picked
from app.components.shared import navigation, page_data, states
from app.data.plain_text import plain
from comus_core.datasets.chosen_images import unknown_words
from comus_core.errors import ComusError, DatasetError
from comus_core.text import counted


def show(picked: Picked | None) -> Picked | None:
    """Draw the lines on it; returns the data set with the images chosen, None if there are none."""
    if picked is None:
        return None
    try:
        only = page_data.workspace().image_lists.read(state.parameter(state.ONLY))
    except ComusError as fault:
        states.error(fault)
        return None
    exclude = page_data.workspace().exclusions.read(picked.spec).images
    if not (only or exclude):
        return picked
    try:
        known = _known(picked.spec)
    except ComusError as fault:
        states.error(fault)
        return None
    used = len((set(only) & known if only else known) - set(exclude)) if known else picked.seen.images
    if only:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="new_only"):
            st.markdown(f"**Only {counted(len(only), 'selected image')}**", width="content")
            st.button("Use all images", key="new_use_all", type="tertiary", icon=":material/close:", on_click=_use_all)
    if exclude:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="new_excluded"):
            st.page_link(
                navigation.page("images"),
                label=f"{counted(len(exclude), 'image')} excluded",
                icon=":material/hide_image:",
                query_params={state.DATA: picked.spec},
            )
    gone = [image_id for image_id in dict.fromkeys((*only, *exclude)) if known and image_id not in known]
    if gone:
        st.caption(plain(f"{unknown_words(gone)}; a run ignores {'it' if len(gone) == 1 else 'them'}."))
    if used == 0:
        what = "none of the selected images is left" if only else "all images are excluded"
        states.error(DatasetError(f"{what}: include at least one of them on the page Images"))
        return None
    return replace(picked, seen=replace(picked.seen, images=used), exclude=exclude, only=only)


def _known(spec: str) -> set[str]:
    """The ids of its images; none where that is not known without a long look."""
    index = listed_images.index_of(spec)
    return set(index.ids) if index is not None else set()


def _use_all() -> None:
    state.set_parameter(state.ONLY, "")
