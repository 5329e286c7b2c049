"""The files of a figure: SVG and PNG with title, axes and the run's badge, CSV of its points."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
import plotly.graph_objects as go
import streamlit as st

from app.components.shared.score_table import About, as_csv
from app.data.figure_text import literal

WIDTH, LEAST_HEIGHT = 900, 340  # CSS pixels of the SVG; the PNG has twice as many
LINE, LETTERS = 19, 120  # pixels a line of the words below the title takes, and how long it is

_mount = st.components.v2.component(
    "comus_figure_files",
    html='<div class="files"><button type="button" data-format="svg">SVG</button>'
    '<button type="button" data-format="png">PNG</button></div>',
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def show(
    figure: go.Figure, *, key: str, title: str, said: About | None, table: Callable[[], pd.DataFrame] | None = None
) -> None:
    """Draw the three buttons.

    Args:
        figure: as drawn on the page.
        key: of the figure.
        title: of the file.
        said: the run, its supervision and how was counted; None where the figure is about no run.
        table: what the CSV holds, computed on a click; without it, the points that are drawn.
    """
    name = f"{said.run}-{key}" if said else key
    print_figure = printed(figure, title, said)
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap=None, key=f"{key}_files"
    ):
        _mount(
            key=f"{key}_pictures",
            data={
                "figure": json.loads(str(print_figure.to_json())),
                "libraryUrl": f"api/plotly.min.js?v={plotly.__version__}",
                "name": name,
                "title": title,
                "width": WIDTH,
                "height": print_figure.layout.height,
            },
            width="content",
        )
        st.download_button(
            "CSV",
            lambda: as_csv(table() if table else frame(figure), said),
            f"{name}.csv",
            "text/csv",
            key=f"{key}_csv",
            type="tertiary",
            help=f"Download “{title}” as CSV",
            on_click="ignore",
        )


def printed(figure: go.Figure, title: str, said: About | None) -> go.Figure:
    """The figure as it leaves the app: on white, with its title and, below, whose numbers it shows."""
    lines = textwrap.wrap(words(said), LETTERS) if said else []
    top = 56 + LINE * len(lines)
    page = literal(figure)
    page.update_layout(
        template="plotly_white",
        title={
            "text": html.escape(title),
            "subtitle": {"text": "<br>".join(map(html.escape, lines)), "font": {"size": 13}},
            "x": 0.02,
            "y": 1 - 24 / (max(figure.layout.height or 0, LEAST_HEIGHT) + top),
            "yanchor": "top",
        },
        height=max(figure.layout.height or 0, LEAST_HEIGHT) + top,
        width=WIDTH,
        margin={"l": 70, "r": 30, "t": top + 14, "b": 60},
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"family": "Helvetica, Arial, sans-serif", "color": "#1c2128"},
        legend={"orientation": "v", "x": 1.02, "y": 1},
    )
    return page


def words(said: About) -> str:
    """What stands below the title."""
    origin = "synthetic scenes" if said.synthetic else ""
    matching = f"{said.matching} matching" if said.matching else ""
    parts = (f"Run {said.run}", said.dataset, origin, matching, said.proposals, said.supervision)
    return " · ".join(part for part in parts if part)


def frame(figure: go.Figure) -> pd.DataFrame:
    """What a figure draws, a row a point, bar or cell; columns are called as the axes are."""
    x, y = _titles(figure)
    rows: list[dict[str, Any]] = []
    for trace in figure.data:
        if trace.type == "heatmap":
            cells = [(a, b, trace.z[j][i]) for j, b in enumerate(trace.y) for i, a in enumerate(trace.x)]
            rows += [{x: a, y: b, trace.name or "value": value} for a, b, value in cells]
            continue
        texts = trace.text if trace.text is not None and not isinstance(trace.text, str) else None
        for index, (a, b) in enumerate(zip(trace.x, trace.y, strict=True)):
            label = {"label": texts[index]} if texts is not None else {}
            rows.append({"series": trace.name or ""} | label | {x: a, y: b})
    return pd.DataFrame(rows)


def _titles(figure: go.Figure) -> tuple[str, str]:
    return str(figure.layout.xaxis.title.text or "x"), str(figure.layout.yaxis.title.text or "y")
