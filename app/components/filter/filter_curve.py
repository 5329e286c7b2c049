"""The curve of a filter: coverage and scores from 0 to 100 %."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.components.shared.figures import ACCENT, UNASSIGNED, styled
from app.data.palette import colours
from comus_core.evaluation.report import CurvePoint
from comus_core.scoring.core_curves import NAMES, PAPER_BAND, CoreCurves, StandIn
from comus_core.types import FloatArray

BAND = "rgba(26, 152, 80, 0.10)"  # the filters of the paper
STAND_IN_COLOURS = dict(zip(NAMES, ("#0072b2", "#e69f00", "#cc79a7"), strict=True))
PRECISION, PRECISION_COLOUR = "core precision", "#009e73"
DASHES = dict(zip(NAMES, ("solid", "dash", "dashdot"), strict=True))  # not distinguished by colour alone


def filter_curve(
    points: Sequence[CurvePoint],
    percent: float,
    miou: float | None,
    coverage: float,
    others: Mapping[str, Sequence[CurvePoint]] | None = None,
    stand_ins: CoreCurves | None = None,
    now: Mapping[StandIn, float] | None = None,
    ranking: str = "",
    precision: FloatArray | None = None,
    precision_now: float | None = None,
) -> go.Figure:
    """Draw mIoU, coverage and stand-ins over a filter percentage, the paper's 20 to 40 %, and where the draft is.

    Only curves of mIoU are labelled mIoU: those of other rankings are, a mean silhouette is not.

    Args:
        points: of the curve; without ground truth their mIoU is NaN.
        percent: the draft's percentage of all clusters without an own one, or of the selected one.
        miou: the draft's own, in percent; off the curve where clusters have their own percentages.
        coverage: the draft's own, 0…1.
        others: curves of the same clusters with proposals ranked by something else, by its name.
        stand_ins: what the filter is worth without ground truth; None leaves them out.
        now: the draft's own stand-ins.
        ranking: what the draft ranks by, named where others are drawn.
        precision: (101,) core precision, 0…1; None without ground truth.
        precision_now: the draft's own.
    """
    figure = go.Figure()
    x = [point.percent for point in points]
    figure.add_vrect(
        x0=PAPER_BAND[0],
        x1=PAPER_BAND[1],
        fillcolor=BAND,
        line_width=0,
        layer="below",
        annotation={"text": "paper 20–40 %", "font": {"size": 11, "color": UNASSIGNED}, "y": 0.02, "yanchor": "bottom"},
        annotation_position="bottom left",
    )
    _line(figure, x, [100 * point.coverage for point in points], "kept", UNASSIGNED, 2, "dot")
    for (name, other), colour in zip((others or {}).items(), colours(4), strict=False):
        _line(figure, [p.percent for p in other], [p.miou for p in other], miou_by(name), colour, 1.5)
    for name, values in (stand_ins.means if stand_ins is not None else {}).items():
        _line(figure, x, (100 * values).tolist(), NAMES[name], STAND_IN_COLOURS[name], 2, DASHES[name])
    if precision is not None:
        _line(figure, x, (100 * precision).tolist(), PRECISION, PRECISION_COLOUR, 2.5, "longdash")
    scored = not all(math.isnan(point.miou) for point in points)
    if scored:
        _line(figure, x, [point.miou for point in points], miou_by(ranking) if others else "mIoU", ACCENT, 3)
    figure.add_shape(type="line", x0=percent, x1=percent, y0=0, y1=100, line={"color": UNASSIGNED, "width": 1})
    marked = [(miou, ACCENT), (100 * coverage, UNASSIGNED)]
    marked += [(100 * value, STAND_IN_COLOURS[name]) for name, value in (now or {}).items()] if stand_ins else []
    marked += [(100 * precision_now, PRECISION_COLOUR)] if precision_now is not None else []
    for value, colour in marked:
        if value is not None and not math.isnan(value):
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
    ordinates = [float(v) for values in (stand_ins.means.values() if stand_ins else ()) for v in values if v == v]
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title="filter (%)", range=[-1, 101], ticksuffix=" %", showgrid=False)
    title = ", ".join(
        ["mIoU"] * scored + ["precision"] * (precision is not None) + ["kept"] + ["means"] * (stand_ins is not None)
    )
    figure.update_yaxes(title=f"{title} (%)", range=[min(0.0, 105 * min(ordinates, default=0.0)), 103], ticksuffix=" %")
    return styled(figure, 320)


def miou_by(ranking: str) -> str:
    """The label of the mIoU under a ranking, such as `mIoU by silhouette`."""
    return f"mIoU by {ranking[:1].lower()}{ranking[1:]}"


def _line(
    figure: go.Figure, x: list[float], y: list[float], name: str, colour: str, width: float, dash: str = "solid"
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line={"color": colour, "width": width, "dash": dash},
        hovertemplate=f"{name} %{{y:.1f}} %<extra></extra>",
    )
