"""Ways to the Export page from elsewhere, each with what it is about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import state
from app.components.shared import navigation
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_view import RunView
from comus_core.types import IntArray


def of_clusters(view: RunView, categories: Sequence[int]) -> None:
    """The button for some categories, or, if none are selected, for the run."""
    words = "Export these" if categories else "Export"
    asked = {"categories": ",".join(map(str, categories))} if categories else {}
    if st.button(
        words,
        key="export_clusters",
        icon=navigation.PAGES["export"].icon,
        help="Masks and names in a format that other tools read",
    ):
        navigation.go("export", run=view.run.id, **asked)


def of_rows(view: RunView, rows: IntArray, ids: Sequence[str], *, key: str) -> None:
    """The button for selected objects: the map's selection by its key, others by a list that the workspace keeps."""
    if not st.button(
        "Export these",
        key=f"{key}_export",
        icon=navigation.PAGES["export"].icon,
        help="The selected objects, with masks and names, in a format that other tools read (Shift+O)",
    ):
        return
    selection = state.selection(view.run.id)
    if selection.gestures and np.array_equal(np.flatnonzero(chosen(view, selection)), np.sort(rows)):
        navigation.go("export", run=view.run.id, scope="selection", selection=selection.key)
    kept = view.workspace.image_lists.keep(list(ids))
    navigation.go("export", run=view.run.id, scope="these", these=kept)


def of_round(view: RunView, number: int) -> None:
    """The link for the masks of a round on the images of the run."""
    words = "Export the masks of this round" if number else "Export the masks of the clusters"
    st.page_link(
        navigation.page("export"),
        label=f"{words}, on the run's images",
        icon=navigation.PAGES["export"].icon,
        query_params={"run": view.run.id, "round": str(number)},
    )


def of_run(run_id: str) -> None:
    """The link for all of a run."""
    icon = navigation.PAGES["export"].icon
    st.page_link(navigation.page("export"), label="Export", icon=icon, query_params={"run": run_id})
