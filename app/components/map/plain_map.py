"""The map for browsers without WebGL 2: Plotly's, of at most 20,000 points; a lasso still selects among all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app import state
from app.components.shared import choices
from app.components.shared.figures import ACCENT, styled
from app.data.colouring import Colouring
from app.data.figure_text import tagless
from app.data.palette import UNASSIGNED
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.selection_shapes import Gesture, Mode

MOST = 20_000  # points that Plotly draws without a graphics card and still answers
WITHOUT = "without_webgl"


def is_needed() -> bool:
    """Whether this browser has said that it has no WebGL 2."""
    return bool(state.setting(WITHOUT, False))


def need() -> None:
    """Use this map from now on."""
    state.set_setting(WITHOUT, True)


def plain_map(
    *,
    key: str,
    points: FloatArray,
    shown: Colouring,
    gestures: Sequence[Gesture],
    on_gestures: Callable[[tuple[Gesture, ...]], None],
    height: int = 600,
) -> None:
    """Show the map and receive what the user draws.

    Args:
        key: identity of this map.
        points: (n, 2).
        shown: their colours.
        gestures: the selection to show.
        on_gestures: receives the whole new selection.
        height: CSS pixels.
    """
    rows = sampled(len(points))
    note = ""
    if len(rows) < len(points):
        note = f"Shows {len(rows):,} of {len(points):,} points at random; a lasso selects among all. "
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="plain_map_bar"):
        modes: dict[Mode, str] = {"replace": "New", "add": "Add", "subtract": "Subtract"}
        mode = choices.segmented("Selection mode", modes, key="plain_map_mode")
        st.button(
            "Try the fast map again",
            key="try_webgl",
            on_click=lambda: state.set_setting(WITHOUT, False),
            type="tertiary",
        )
    chart_key = f"{key}-plain"

    def receive(event: Any) -> None:
        added = gestures_of(event.selection, mode)
        if added:
            on_gestures(added if added[0].mode == "replace" else (*gestures, *added))

    st.plotly_chart(
        figure(points, rows, shown, gestures, height),
        key=chart_key,
        on_select=state.on_change(chart_key, receive),
        selection_mode=("lasso", "box"),
        width="stretch",
        config={"displaylogo": False, "scrollZoom": True},
    )
    st.caption(f"{note}This browser has no WebGL 2, so a slower map is shown.")


def sampled(n: int) -> IntArray:
    """Rows to draw, ascending: all, or 20,000 at random, the same ones each time."""
    if n <= MOST:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, MOST, replace=False))


def gestures_of(selection: Mapping[str, Any], mode: Mode) -> tuple[Gesture, ...]:
    """What Plotly says was drawn; of several shapes, the later ones add to a new selection."""
    shapes: list[Gesture] = []

    def take(corners: list[tuple[float, float]]) -> None:
        own_mode: Mode = "add" if mode == "replace" and shapes else mode
        if len(corners) >= 3:
            shapes.append(Gesture(tuple(corners), own_mode))

    for lasso in selection.get("lasso", ()):
        take([(float(x), float(y)) for x, y in zip(lasso["x"], lasso["y"], strict=True)])
    for box in selection.get("box", ()):
        (x0, x1), (y0, y1) = box["x"], box["y"]
        take([(float(x), float(y)) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))])
    return tuple(shapes)


def figure(points: FloatArray, rows: IntArray, shown: Colouring, gestures: Sequence[Gesture], height: int) -> go.Figure:
    """A trace a category, the largest first in the legend; or one trace with a colour bar for a scale."""
    plot, xy = go.Figure(), np.asarray(points, float)[rows]
    size = 7 if len(rows) < 1000 else 5 if len(rows) < 5000 else 3.5
    index = shown.index[rows]
    if shown.scale is not None:
        ticks = np.linspace(0, len(shown.colours) - 1, 3)
        marker: dict[str, Any] = {
            "size": size,
            "color": np.where(index >= 0, index, np.nan),
            "colorscale": [[k / 10, shown.colours[round(k * (len(shown.colours) - 1) / 10)]] for k in range(11)],
            "cmin": 0,
            "cmax": len(shown.colours) - 1,
            "colorbar": {
                "title": {"text": shown.scale.title, "side": "right"},
                "tickvals": ticks,
                "ticktext": [shown.scale.words(shown.scale.at(k / (len(shown.colours) - 1))) for k in ticks],
            },
        }
        plot.add_scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, hoverinfo="skip", showlegend=False)
    else:
        named = [*zip(shown.names, shown.colours, strict=True), (shown.unassigned, UNASSIGNED)]
        numbers = np.where(index < 0, len(shown.names), index)
        count = np.bincount(numbers, minlength=len(named))
        for k in np.argsort(-count, kind="stable"):
            if count[k]:
                (name, colour), own = named[k], xy[numbers == k]
                plot.add_scatter(
                    x=own[:, 0],
                    y=own[:, 1],
                    name=f"{tagless(name)} ({count[k]:,})",
                    mode="markers",
                    marker={"size": size, "color": colour},
                    hovertemplate=f"{tagless(name)}<extra></extra>",
                )
    for gesture in gestures:
        corners = " L ".join(f"{x},{y}" for x, y in gesture.polygon)
        dash = "dot" if gesture.mode == "subtract" else "solid"
        plot.add_shape(type="path", path=f"M {corners} Z", line={"color": ACCENT, "width": 2, "dash": dash})
    styled(plot, height)
    plot.update_layout(dragmode="lasso", legend={"orientation": "v", "x": 1.01, "y": 1})
    plot.update_xaxes(visible=False)
    plot.update_yaxes(visible=False, scaleanchor="x")
    return plot
