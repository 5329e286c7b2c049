"""The actions of the Compare page: on the proposals selected on a map, and on the images that changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import streamlit as st

from app.components.compare import compare_panel
from app.components.shared import image_selection, selection_bar
from app.data import compare_data
from comus_core.runs.opened_round import OpenedRound
from comus_core.text import counted
from comus_core.types import ImageId
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection


def of_map(
    first: OpenedRound, drawn_on: OpenedRound, selection: Selection, among: Collection[ImageId], decided: Decisions
) -> None:
    """What is selected on a map, and the bar for it: it acts on the run of the page, that of `first`.

    Args:
        first: the round whose run is open.
        drawn_on: the round on whose map it was drawn; of other proposals, their images are what both runs share.
        selection: what was drawn.
        among: the images of the selected proposals.
        decided: the decisions of the run of the page.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="compare_selection"):
        rows = compare_data.selected(drawn_on, drawn_on, selection)
        words = f"{counted(int(rows.sum()), 'proposal')} in {counted(len(among), 'image')} selected"
        st.markdown(f"**{words}**", width="content")
        st.button("Clear", key="compare_clear", icon=":material/close:", on_click=compare_panel.clear)
    view = first.view
    if compare_data.same_proposals(drawn_on, first):
        acted_on, images = np.flatnonzero(compare_data.selected(drawn_on, first, selection)), []
    else:
        acted_on, images = np.zeros(0, np.int64), sorted(i for i in among if i in view.image_row_of)
    selection_bar.show(view, decided, acted_on, key="lasso", images=images)


def of_images(first: OpenedRound, shown: Sequence[ImageId], decided: Decisions, *, with_undo: bool) -> None:
    """The actions on the images of the gallery, those that are images of the run of the page."""
    own = [image_id for image_id in shown if image_id in first.view.image_row_of]
    image_selection.show(first.view, decided, own, key="changed", with_undo=with_undo)
