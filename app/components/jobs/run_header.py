"""The line above every page about a run: its name, its numbers, its networks and its supervision."""

from __future__ import annotations

import streamlit as st

from app.components.jobs import run_dialogs
from app.components.shared import badge, page_data, path_rail
from app.data.plain_text import plain
from comus_core.pipelines.model_selection import short_names
from comus_core.runs.categories import clusters_now
from comus_core.text import counted
from comus_core.workspace import Run


def show(run: Run, title: str) -> None:
    """Draw the page's title and the run's line."""
    with st.container(key="run_header", horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if run.state != "done":
                badge.state(run)
            badge.of_run(run)
            if run.provenance.get("synthetic"):
                badge.synthetic()
            badge.read_only(run)
    st.caption(facts(run))
    path_rail.show(run)
    lost_images(run)


def lost_images(run: Run) -> None:
    """Where the folder of a run's images is gone: a warning, and a button to locate them."""
    workspace = page_data.workspace()
    if run.from_bundle or not workspace.has_lost_images(run):
        return
    words = f"The images of this run are no longer in {plain(str(workspace.images_root(run)))}."
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"lost_images_{run.id}"):
        st.warning(words, icon=":material/folder_off:")
        if st.button("Locate images", key=f"relink_{run.id}", icon=":material/search:"):
            run_dialogs.relink(run)


def facts(run: Run) -> str:
    """Name, numbers and networks of a run in one line; the clusters are those after all decisions."""
    result = run.result
    counts = {name: int(result.get(f"{name}s") or 0) for name in ("image", "proposal")}
    counts["cluster"] = clusters_now(page_data.workspace(), run)
    numbers = [counted(number, name) for name, number in counts.items() if number]
    networks = " + ".join(short_names(run.config))
    skipped = [f"{counted(result['skipped'], 'file')} skipped"] if result.get("skipped") else []
    unmasked = [f"{counted(len(result['without_mask']), 'image')} without a mask"] if result.get("without_mask") else []
    return " · ".join([f"**{plain(run.name)}**", *numbers, *skipped, *unmasked, plain(networks)])
