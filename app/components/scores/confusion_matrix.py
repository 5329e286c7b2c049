"""The confusion matrix as a table of links: each cell opens the images with its pixels."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app import state
from app.components.scores.score_figures import NO_CLASS, confusion_shares
from comus_core.scoring.scored_round import ScoredRound

STYLE = Path(__file__).with_suffix(".css")
FEW = 24  # classes up to which every cell shows its number


def show(scored: ScoredRound) -> tuple[int, int] | None:
    """Draw it; the open cell, predicted class (n for none) and true class, if there is one."""
    opened = _opened(scored)
    st.html(STYLE)
    st.html(table(scored, opened))
    return opened


def table(scored: ScoredRound, opened: tuple[int, int] | None) -> str:
    """The HTML: rows are true classes, columns predicted ones, colours and numbers percent of the true class."""
    shares, pixels = confusion_shares(scored), scored.confusion.T
    columns = [*scored.classes, NO_CLASS][: shares.shape[1]]
    heads = "".join(f'<th scope="col"><span>{html.escape(name)}</span></th>' for name in columns)
    numbered, rows = len(scored.classes) <= FEW, ""
    for true, name in enumerate(scored.classes):
        cells = "".join(
            _cell(scored, (predicted, true), columns[predicted], shares[true, predicted], int(pixels[true, predicted]))
            if pixels[true, predicted]
            else "<td></td>"
            for predicted in range(len(columns))
        )
        rows += f'<tr><th scope="row">{html.escape(name)}</th>{cells}</tr>'
    marked = f' data-open="{"-".join(map(str, opened))}"' if opened else ""
    kind = "few" if numbered else "many"
    markup = f'<table class="{kind}"{marked}><thead><tr><td><i>true ↓ predicted →</i></td>{heads}</tr></thead>'
    markup += f"<tbody>{rows}</tbody></table>"
    if opened:
        link = f'data-cell="{opened[0]}-{opened[1]}"'
        markup = markup.replace(link, f'{link} aria-current="true"')
    label = "Confusion matrix; a click on a cell shows its images"
    return f'<div class="comus-confusion" role="region" aria-label="{label}" tabindex="0">{markup}</div>'


def close() -> None:
    """Close the open cell."""
    state.set_parameter(state.CELL, "")


def _cell(scored: ScoredRound, cell: tuple[int, int], predicted: str, share: float, pixels: int) -> str:
    name = f"{cell[0]}-{cell[1]}"
    address = "scores?" + urlencode({"run": scored.subject.run.id, state.CELL: name})
    words = f"{scored.classes[cell[1]]} predicted as {predicted}: {share:.1f} %, {pixels:,} pixels"
    label = "<1" if share < 0.5 else f"{share:.0f}"
    return (
        f'<td><a class="comus-link" data-cell="{name}" href="{html.escape(address)}" title="{html.escape(words)}" '
        f'style="--share:{share:.1f}%" aria-label="{html.escape(words)}">{label}</a></td>'
    )


def _opened(scored: ScoredRound) -> tuple[int, int] | None:
    predicted, _, true = state.parameter(state.CELL).partition("-")
    n = len(scored.classes)
    valid = predicted.isdecimal() and true.isdecimal() and int(predicted) <= n and int(true) < n
    return (int(predicted), int(true)) if valid else None
