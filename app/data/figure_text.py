"""Names in Plotly's figures, shown literally: Plotly reads tags in them, links too. No Streamlit."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go


def literal(figure: go.Figure) -> go.Figure:
    """A copy in which the names of traces, places on an axis and words at points are read as plain text.

    A name in a `hovertemplate` is to be escaped where that is written (`tagless`).
    """
    copy = go.Figure(figure)
    for trace in copy.data:
        for attribute in ("x", "y", "text", "name"):
            value = getattr(trace, attribute, None)
            if isinstance(value, str):
                trace[attribute] = tagless(value)
            elif value is not None and any(isinstance(part, str) for part in value):
                trace[attribute] = [tagless(part) if isinstance(part, str) else part for part in value]
    return copy


def tagless(text: Any) -> str:
    """Text in which Plotly finds no tag."""
    return html.escape(str(text), quote=False)
