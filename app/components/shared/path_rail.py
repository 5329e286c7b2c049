"""The rail above every page of a run: the steps from its images to an export, each with its state and a link."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app.components.shared import page_data
from app.data import path
from app.data.path import PathStep
from comus_core.workspace import Run

STYLE = Path(__file__).with_suffix(".css")


def show(run: Run) -> None:
    """Draw the rail of a run."""
    every = path.path_of(page_data.workspace(), run)
    st.html(STYLE)
    st.html(markup(run.id, every))


def markup(run_id: str, every: Sequence[PathStep]) -> str:
    """The rail as HTML: a list of links, the next step marked."""
    steps = "".join(_step(run_id, step) for step in every)
    return f'<nav class="comus-path" aria-label="Steps of this run"><ol>{steps}</ol></nav>'


def address(run_id: str, step: PathStep) -> str:
    """Where a step is done."""
    return f"{step.page}?{urlencode({'run': run_id, **dict(step.parameters)})}"


def _step(run_id: str, step: PathStep) -> str:
    kind = "next" if step.is_next else "done" if step.done else "todo"
    mark = {"next": "arrow_forward", "done": "check", "todo": ""}[kind]
    icon = f'<i aria-hidden="true">{mark}</i>' if mark else ""
    current = ' aria-current="step"' if step.is_next else ""
    title = html.escape(f"{step.action} (next)" if step.is_next else step.title)
    href = (
        f'class="comus-link" href="{html.escape(address(run_id, step))}"' if step.possible else 'aria-disabled="true"'
    )
    return (
        f'<li data-kind="{kind}"{current}><a {href} '
        f'title="{title}"><b>{icon}{html.escape(step.title)}</b><span>{html.escape(step.state)}</span></a></li>'
    )
