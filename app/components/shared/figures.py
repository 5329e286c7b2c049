"""What all Plotly figures share: one look, transparent on either theme, and their files below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.components.shared import figure_files, page_data
from app.components.shared.score_table import About, about_run
from app.data.figure_text import literal
from app.data.palette import CORE, FILTERED, UNASSIGNED

__all__ = ["ACCENT", "CORE", "FILTERED", "GRID", "UNASSIGNED", "show", "styled"]

ACCENT = "#5b7fe8"  # stands out on the light and on the dark page
GRID = "rgba(139, 147, 160, 0.22)"


def styled(figure: go.Figure, height: int = 320) -> go.Figure:
    """The figure with the shared look."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13},
        hoverlabel={"font": {"size": 13}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        dragmode=False,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def show(
    figure: go.Figure,
    *,
    key: str,
    title: str,
    said: About | None = None,
    of_run: bool = True,
    table: Callable[[], pd.DataFrame] | None = None,
) -> None:
    """Draw a figure at full width, and below it the buttons for its files.

    Args:
        figure: with titles, and units, on both axes.
        key: of the figure, and the name of its files behind the run's.
        title: of the files; the page writes its own above.
        said: whose numbers these are; None is the run looked at.
        of_run: False where they are of no run.
        table: what its CSV holds where that is more than the points that are drawn.
    """
    settings: dict[str, Any] = {"displayModeBar": False, "responsive": True}
    st.plotly_chart(literal(figure), key=key, width="stretch", theme="streamlit", config=settings)
    if said is None and of_run:
        run = page_data.current_run()
        said = about_run(run) if run else None
    figure_files.show(figure, key=key, title=title, said=said, table=table)
