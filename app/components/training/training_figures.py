"""The figures of self-training: every step, every preview, and the score of every round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from app.components.shared.figures import ACCENT, UNASSIGNED, styled
from app.data.palette import colours
from comus_core.workspace.trainings import Preview

MOST_POINTS = 600  # of a curve; more would only blacken it


Steps = Mapping[int, Sequence[Mapping[str, float]]]  # round -> its steps in order


def loss_curve(steps: Steps) -> go.Figure:
    """The smoothed loss over the steps of all rounds, one after another; each round in a colour of its own."""
    figure = _curve(steps, "loss", smooth=True, hover="%{y:.3f}", height=230)
    figure.update_layout(showlegend=len(steps) > 1)
    figure.update_yaxes(title="loss (nats)", rangemode="tozero")
    return figure


def rate_curve(steps: Steps) -> go.Figure:
    """The learning rate of every step."""
    figure = _curve(steps, "rate", smooth=False, hover="%{y:.2e}", height=150)
    figure.update_yaxes(title="learning rate")
    return figure


def speed_curve(steps: Steps) -> go.Figure:
    """The smoothed images per second of every step."""
    figure = _curve(steps, "images_per_second", smooth=True, hover="%{y:.1f}", height=150)
    figure.update_yaxes(title="images per second", rangemode="tozero")
    return figure


def preview_curve(steps: Steps, previews: Sequence[Preview]) -> go.Figure:
    """The mIoU of every preview, below the same steps as the loss."""
    figure, before, colour_of = go.Figure(), _before(steps), _colours(steps)
    for number in steps:
        scored = [p for p in previews if p.round == number and p.miou is not None]
        figure.add_scatter(
            x=[before[number] + preview.step for preview in scored],
            y=[preview.miou for preview in scored],
            name=f"round {number}",
            mode="lines+markers",
            line={"color": colour_of[number], "width": 2},
            marker={"size": 7},
            hovertemplate="%{y:.1f} %<extra></extra>",
        )
    last = sum(int(records[-1]["step"]) for records in steps.values() if records)
    figure.update_layout(hovermode="x unified", showlegend=len(steps) > 1)
    figure.update_xaxes(title="step", showgrid=False, range=[0, max(last, 1) * 1.02])
    figure.update_yaxes(title="mIoU (%)", ticksuffix=" %")
    return styled(figure, 230)


def _curve(steps: Steps, name: str, *, smooth: bool, hover: str, height: int) -> go.Figure:
    figure, before, colour_of = go.Figure(), _before(steps), _colours(steps)
    for number, records in steps.items():
        every = max(1, len(records) // MOST_POINTS)
        values = [record[name] for record in records]
        figure.add_scatter(
            x=[before[number] + record["step"] for record in records][::every],
            y=(smoothed(values) if smooth else values)[::every],
            name=f"round {number}",
            mode="lines",
            line={"color": colour_of[number], "width": 2},
            hovertemplate=f"{hover}<extra></extra>",
        )
    figure.update_layout(hovermode="x unified", showlegend=False)
    figure.update_xaxes(title="step", showgrid=False)
    return styled(figure, height)


def _before(steps: Steps) -> dict[int, int]:
    """Round -> the steps of all rounds before it."""
    before, total = {}, 0
    for number, records in steps.items():
        before[number] = total
        total += int(records[-1]["step"]) if records else 0
    return before


def _colours(steps: Steps) -> dict[int, str]:
    return dict(zip(steps, colours(max(len(steps), 2)), strict=False))


def smoothed(values: Sequence[float], keep: float = 0.9) -> list[float]:
    """The running average in which each value weighs a tenth; its beginning is not pulled towards 0."""
    averages, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = keep * total + (1 - keep) * value, keep * weight + (1 - keep)
        averages.append(total / weight)
    return averages


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
    figure.update_yaxes(title="mIoU (%)", ticksuffix=" %", rangemode="tozero")
    figure.update_xaxes(title="round", showgrid=False)
    return styled(figure, 230)
