"""The figure of what a filter keeps and scores, from 0 to 100 %."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.components.figures import ACCENT, UNASSIGNED, styled
from app.palette import colours
from comus_core.evaluation.report import CurvePoint


def filter_curve(
    points: Sequence[CurvePoint],
    percent: float,
    miou: float | None,
    coverage: float,
    others: Mapping[str, Sequence[CurvePoint]] | None = None,
) -> go.Figure:
    """Draw mIoU and coverage over one filter percentage for all clusters, and where the draft is.

    Args:
        points: of the curve; without ground truth their mIoU is NaN.
        percent: the draft's percentage of clusters without one of their own.
        miou: the draft's own, in percent; off the curve where clusters have their own percentages.
        coverage: the draft's own, 0…1.
        others: curves of the same clusters with proposals ranked by something else, by its name.
    """
    figure = go.Figure()
    x = [point.percent for point in points]
    figure.add_scatter(
        x=x,
        y=[100 * point.coverage for point in points],
        name="kept",
        mode="lines",
        line={"color": UNASSIGNED, "width": 2, "dash": "dot"},
        hovertemplate="%{y:.1f} % kept<extra></extra>",
    )
    for (name, other), colour in zip((others or {}).items(), colours(4), strict=False):
        figure.add_scatter(
            x=[point.percent for point in other],
            y=[point.miou for point in other],
            name=name,
            mode="lines",
            line={"color": colour, "width": 1.5},
            hovertemplate=f"{name} %{{y:.1f}} %<extra></extra>",
        )
    if not all(math.isnan(point.miou) for point in points):
        figure.add_scatter(
            x=x,
            y=[point.miou for point in points],
            name="mIoU",
            mode="lines",
            line={"color": ACCENT, "width": 3},
            hovertemplate="mIoU %{y:.1f} %<extra></extra>",
        )
    figure.add_shape(type="line", x0=percent, x1=percent, y0=0, y1=100, line={"color": UNASSIGNED, "width": 1})
    for value, colour in ((miou, ACCENT), (100 * coverage, UNASSIGNED)):
        if value is not None:
            marker = {"color": colour, "size": 10, "line": {"color": "white", "width": 1.5}}
            figure.add_scatter(
                x=[percent],
                y=[value],
                name="this filter",
                mode="markers",
                marker=marker,
                showlegend=False,
                hoverinfo="skip",
            )
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title="filter (%)", range=[-1, 101], ticksuffix=" %", showgrid=False)
    figure.update_yaxes(title="mIoU, kept (%)", range=[0, 103], ticksuffix=" %")
    return styled(figure, 300)
