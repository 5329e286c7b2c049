"""A small line chart as SVG, so that a report needs no script."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


@dataclass(frozen=True)
class Line:
    """A line of a chart: its name and its points; points that are not finite are left out."""

    name: str
    points: Sequence[tuple[float, float]]


def line_chart(lines: Sequence[Line], x_title: str, y_title: str) -> str:
    """The SVG element of some lines over one pair of axes; "" without any point."""
    finite = [Line(line.name, [p for p in line.points if all(map(math.isfinite, p))]) for line in lines]
    drawn = [line for line in finite if line.points]
    if not drawn:
        return ""
    x_low, x_high = _span([x for line in drawn for x, _ in line.points])
    y_low, y_high = _span([y for line in drawn for _, y in line.points])

    def place(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - x_low) / (x_high - x_low)
        up = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - y_low) / (y_high - y_low)
        return f"{across:.1f},{up:.1f}"

    parts = [_axes(x_low, x_high, y_low, y_high, x_title, y_title)]
    for number, line in enumerate(drawn):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(place(x, y) for x, y in line.points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        if len(drawn) > 1:
            name = html.escape(line.name)
            parts.append(f'<text x="{LEFT + 8}" y="{TOP + 12 + 14 * number}" fill="{colour}">{name}</text>')
    label = html.escape(f"{y_title} over {x_title}")
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'


def _axes(x_low: float, x_high: float, y_low: float, y_high: float, x_title: str, y_title: str) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="currentColor"/>']
    for share in (0.0, 0.5, 1.0):
        x, y = LEFT + share * (right - LEFT), bottom - share * (bottom - TOP)
        at_x, at_y = x_low + share * (x_high - x_low), y_low + share * (y_high - y_low)
        parts.append(f'<text x="{x:.0f}" y="{bottom + 15}" text-anchor="middle">{at_x:.4g}</text>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{at_y:.3g}</text>')
    middle = (LEFT + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(x_title)}</text>')
    parts.append(f'<text transform="translate(12 {(TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">')
    return "".join(parts) + f"{html.escape(y_title)}</text>"


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low - 0.5, high + 0.5) if low == high else (low, high)
