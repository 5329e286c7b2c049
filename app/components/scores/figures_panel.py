"""The paper's figures that are known here, of this run, to download from the Evaluate page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

import streamlit as st

from app.components.shared import page_data
from app.forms import verb_form
from app.server.pictures import shown_path
from comus_core.export.paper_figures import content_of
from comus_core.pipelines.paper_tables.figure_settings import KNOWN, FigureNumber, FigureSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView

TYPES = {".png": ("PNG", "image/png"), ".html": ("HTML", "text/html"), ".csv": ("CSV", "text/csv")}


def show(view: RunView, subject: RunRound | None) -> None:
    """The section: a line for each figure; `subject` is the round that is scored, None without ground truth."""
    st.header("The paper's figures", anchor=False)
    st.caption("Only these two: what the paper's other figures show is not documented here.")
    for number, (title, endings) in KNOWN.items():
        of_clusters = number == "3"
        if subject is None and not of_clusters:
            st.caption(f"Figure {number}, {title}: needs ground truth.")
            continue
        one = RunRound(view.run, 0) if subject is None or of_clusters else subject
        with st.container(horizontal=True, vertical_alignment="center", key=f"figure_{number}"):
            st.markdown(f"Figure {number}: {title}", width="content")
            for ending in (name for name in endings if name in TYPES):
                words, mime = TYPES[ending]
                settings = FigureSettings(cast(FigureNumber, number), f"figure-{number}{ending}", one.key)
                st.download_button(
                    f"Figure {number} as {words}",
                    partial(content, view, one, settings),
                    settings.out,
                    mime,
                    key=f"figure_{number}_{ending[1:]}",
                    icon=":material/download:",
                    on_click="ignore",
                    type="tertiary",
                )
        drawn = FigureSettings(cast(FigureNumber, number), f"figure-{number}{endings[0]}", one.key)
        st.code(verb_form.command(page_data.workspace(), "figure", None, drawn), language=None, wrap_lines=True)


def content(view: RunView, subject: RunRound, settings: FigureSettings) -> bytes:
    """The file, made when it is downloaded; images that links lead out of the allowed folders stay grey."""
    root = view.workspace.images_root(view.run)

    def readable(image_id: str, path: Path) -> Path:
        return shown_path(image_id, path, root, view.workspace.root)

    return content_of(subject, view.workspace, settings, readable=readable)
