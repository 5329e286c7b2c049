"""The image sizes and aspect ratios of a data set."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from app.components.shared.figures import ACCENT, UNASSIGNED, styled
from comus_core.types import FloatArray, IntArray

MOST_POINTS = 5_000  # different sizes drawn one by one; images of one camera share theirs
ASPECT_BINS = 40
SQUARE = {"color": UNASSIGNED, "width": 1, "dash": "dot"}


def size_counts(sizes: IntArray) -> tuple[IntArray, IntArray]:
    """Different (height, width) (m, 2), the most frequent first, and how many images have each (m,)."""
    distinct, count = np.unique(np.asarray(sizes).reshape(-1, 2), axis=0, return_counts=True)
    order = np.argsort(-count, kind="stable")
    return distinct[order], count[order]


def aspect_histogram(sizes: IntArray, bins: int = ASPECT_BINS) -> tuple[FloatArray, IntArray]:
    """Edges (bins + 1,) of width / height, evenly spaced in its logarithm about 1, and images in each bin (bins,)."""
    sizes = np.asarray(sizes, np.float64).reshape(-1, 2)
    log = np.log2(sizes[:, 1] / sizes[:, 0])
    widest = max(1.0, float(np.abs(log).max(initial=0.0)))
    count, edges = np.histogram(log, bins, (-widest, widest))
    return 2.0**edges, count


def size_figure(sizes: IntArray) -> go.Figure:
    """Width against height, a dot a size, larger where more images have it."""
    distinct, count = size_counts(sizes)
    distinct, count = distinct[:MOST_POINTS], count[:MOST_POINTS]
    figure = go.Figure()
    figure.add_scatter(
        x=distinct[:, 1],
        y=distinct[:, 0],
        customdata=count,
        mode="markers",
        marker={"color": ACCENT, "opacity": 0.65, "size": 5 + 4 * np.log2(count), "line": {"width": 0}},
        hovertemplate="%{x} × %{y} pixels: %{customdata} images<extra></extra>",
    )
    top = int(distinct.max(initial=1))
    figure.add_scatter(x=[0, top], y=[0, top], mode="lines", line=SQUARE, hoverinfo="skip")
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="width (pixels)", rangemode="tozero")
    figure.update_yaxes(title="height (pixels)", rangemode="tozero")
    return styled(figure, 280)


def aspect_figure(sizes: IntArray) -> go.Figure:
    """Number of images by width / height."""
    edges, count = aspect_histogram(sizes)
    figure = go.Figure()
    middle, width = np.sqrt(edges[:-1] * edges[1:]), np.diff(edges)
    ranges = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    hover = "width / height %{customdata}: %{y} images<extra></extra>"
    figure.add_bar(x=middle, y=count, width=width, customdata=ranges, marker={"color": ACCENT}, hovertemplate=hover)
    figure.add_vline(x=1, line=SQUARE)
    figure.update_layout(showlegend=False, bargap=0)
    ticks = [1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4]
    names = ["1:4", "1:3", "1:2", "2:3", "3:4", "1:1", "4:3", "3:2", "2:1", "3:1", "4:1"]
    figure.update_xaxes(type="log", title="width / height", tickvals=ticks, ticktext=names, showgrid=False)
    figure.update_yaxes(title="images")
    return styled(figure, 280)
