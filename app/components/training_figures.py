"""The figures of self-training: the loss of every step, and the score of every round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from app.components.figures import ACCENT, UNASSIGNED, styled
from app.palette import colours

MOST_POINTS = 600  # of a curve; more would only blacken it


def loss_curve(steps: Mapping[int, Sequence[Mapping[str, float]]]) -> go.Figure:
    """The smoothed loss over the steps of all rounds, one after another; each round in a colour of its own."""
    figure, before = go.Figure(), 0
    for (number, records), colour in zip(steps.items(), colours(max(len(steps), 2)), strict=False):
        every = max(1, len(records) // MOST_POINTS)
        figure.add_scatter(
            x=[before + record["step"] for record in records][::every],
            y=smoothed([record["loss"] for record in records])[::every],
            name=f"round {number}",
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate="%{y:.3f}<extra></extra>",
        )
        before += int(records[-1]["step"]) if records else 0
    figure.update_layout(hovermode="x unified", showlegend=True)
    figure.update_xaxes(title="step", showgrid=False)
    figure.update_yaxes(title="loss", rangemode="tozero")
    return styled(figure, 260)


def smoothed(values: Sequence[float], keep: float = 0.9) -> list[float]:
    """The running average in which each value weighs a tenth; its beginning is not pulled towards 0."""
    found, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = keep * total + (1 - keep) * value, keep * weight + (1 - keep)
        found.append(total / weight)
    return found


def round_bars(rounds: Sequence[Mapping[str, Any]]) -> go.Figure:
    """A bar a round; round 0, the clusters themselves, in grey."""
    scored = [entry for entry in rounds if entry["miou"] is not None]
    figure = go.Figure()
    figure.add_bar(
        x=[f"round {entry['round']}" for entry in scored],
        y=[entry["miou"] for entry in scored],
        marker={"color": [UNASSIGNED if entry["round"] == 0 else ACCENT for entry in scored]},
        text=[f"{entry['miou']:.1f}" for entry in scored],
        hovertemplate="%{x}: mIoU %{y:.2f} %<extra></extra>",
        width=0.5,
    )
    figure.update_yaxes(title="mIoU", ticksuffix=" %", rangemode="tozero")
    figure.update_xaxes(showgrid=False)
    return styled(figure, 260)
