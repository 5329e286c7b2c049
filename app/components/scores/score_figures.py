"""The figures of a score: IoU of each class, IoU against size, and the confusion matrix as it is downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.components.shared.figures import ACCENT, UNASSIGNED, styled
from app.data.figure_text import tagless
from comus_core.evaluation.image_rows import DISCOVERED
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import FloatArray

NO_CLASS = "no class"
ROW = 19  # pixels a bar takes
WIDTH, HEIGHT, LETTER = 400, 230, 6.5  # pixels of the figure of sizes, about, and of a letter in it


def class_bars(scored: ScoredRound, against: Mapping[str, float] | None = None, name: str = "") -> go.Figure:
    """A bar a class, the best on top; a mark where `against`, called `name`, is known."""
    ordered = sorted(scored.score.per_class.items(), key=lambda pair: pair[1])
    names, values = [k for k, _ in ordered], [v for _, v in ordered]
    figure = go.Figure()
    figure.add_bar(
        x=values,
        y=names,
        orientation="h",
        name="this score",
        marker={"color": ACCENT},
        hovertemplate="%{y}: IoU %{x:.2f} %<extra></extra>",
    )
    marked = [k for k in names if k in (against or {})]
    if against is not None and marked:
        figure.add_scatter(
            x=[against[k] for k in marked],
            y=marked,
            name=name,
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 13, "color": UNASSIGNED, "line": {"width": 3}},
            hovertemplate=f"{tagless(name)}: %{{x:.2f}} %<extra></extra>",
        )
    figure.update_layout(showlegend=bool(marked), bargap=0.25)
    figure.update_xaxes(title="IoU (%)", range=[0, 105], ticksuffix=" %")
    figure.update_yaxes(title="class", showgrid=False, tickmode="linear", dtick=1)
    return styled(figure, max(260, 90 + ROW * len(names)))


def size_figure(scored: ScoredRound) -> go.Figure:
    """IoU of each object class against how much of its images it takes (the paper's Figure 9)."""
    names = list(scored.score.per_class)
    present = [k for k in range(1, len(names)) if np.isfinite(scored.sizes[k])]
    labelled = len(present) <= 30
    x, y = [float(scored.sizes[k]) for k in present], [scored.score.per_class[names[k]] for k in present]
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        text=[names[k] for k in present],
        name="classes",
        mode="markers+text" if labelled else "markers",
        textposition=name_places(x, y, [names[k] for k in present]),
        textfont={"size": 11},
        marker={"color": ACCENT, "size": 9, "line": {"color": "white", "width": 1}},
        hovertemplate="%{text}: size %{x:.1f} %, IoU %{y:.1f} %<extra></extra>",
        cliponaxis=False,
    )
    figure.add_hline(y=DISCOVERED, line={"color": UNASSIGNED, "width": 1, "dash": "dot"})
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="mean share of the image (%)", ticksuffix=" %", rangemode="tozero")
    figure.update_yaxes(title="IoU (%)", ticksuffix=" %", range=[-3, 108])
    return styled(figure, 360)


def name_places(x: Sequence[float], y: Sequence[float], names: Sequence[str]) -> list[str]:
    """Beside which side of its point each name stands, so that it covers no point and no name where that can be.

    Args:
        x: (n,) from 0 on.
        y: (n,) 0 to 100.
        names: n.
    """
    across, up = WIDTH / max([*x, 1e-9]), HEIGHT / 100
    points = [(across * a, up * b) for a, b in zip(x, y, strict=True)]
    occupied = [(a - 5, b - 5, a + 5, b + 5) for a, b in points]
    places = []
    for (a, b), name in zip(points, names, strict=True):
        half = LETTER * len(name) / 2
        boxes = {
            "top center": (a - half, b + 6, a + half, b + 18),
            "bottom center": (a - half, b - 18, a + half, b - 6),
            "middle right": (a + 7, b - 6, a + 7 + 2 * half, b + 6),
            "middle left": (a - 7 - 2 * half, b - 6, a - 7, b + 6),
        }
        covered = {
            side: sum(u < s and q < w and v < t and r < z for q, r, s, t in occupied)
            for side, (u, v, w, z) in boxes.items()
        }
        best = min(boxes, key=covered.__getitem__)  # the first of the best
        occupied.append(boxes[best])
        places.append(best)
    return places


def confusion_figure(scored: ScoredRound) -> go.Figure:
    """The confusion matrix in percent of each true class's pixels."""
    shares, names = confusion_shares(scored), list(scored.classes)
    predicted = [*names, NO_CLASS][: shares.shape[1]]
    figure = go.Figure()
    figure.add_heatmap(
        x=predicted,
        y=names,
        z=shares.tolist(),
        name="percent of the true class",
        colorscale=[[0, "#ffffff"], [1, ACCENT]],
        zmin=0,
        zmax=100,
        colorbar={"title": {"text": "% of the true class"}},
    )
    figure.update_xaxes(title="predicted class", tickmode="linear", dtick=1, tickangle=-60)
    figure.update_yaxes(title="true class", autorange="reversed", tickmode="linear", dtick=1)
    return styled(figure, max(420, 140 + ROW * len(names)))


def confusion_shares(scored: ScoredRound) -> FloatArray:
    """(n, n) or (n, n + 1) percent of each true class's pixels; the last column, if any pixel is there, is no class."""
    pixels = scored.confusion.T
    if not pixels[:, -1].any():
        pixels = pixels[:, :-1]
    total = scored.confusion.sum(axis=0)[:, None]
    return np.asarray(100 * pixels / np.maximum(total, 1))
