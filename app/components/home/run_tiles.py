"""The runs touched last, each with a few of its images, its numbers and what comes next."""

from __future__ import annotations

import html
import time
from pathlib import Path

import streamlit as st

from app.components.shared import navigation, page_data, path_rail
from app.data import job_words, path
from app.data.path import RunFacts
from app.data.run_covers import covers
from comus_core.text import counted
from comus_core.workspace import Run, Workspace

STYLE = Path(__file__).with_suffix(".css")
MOST = 8


def show(runs: list[Run]) -> None:
    """Draw the newest of the runs, and a link to all."""
    st.header("Your runs", anchor=False)
    workspace, now = page_data.workspace(), time.time()
    st.html(STYLE)
    st.html(f'<div class="comus-tiles">{"".join(_tile(workspace, run, now) for run in runs[:MOST])}</div>')
    if len(runs) > MOST:
        words = f"All {len(runs):,} runs"
        st.page_link(navigation.page("jobs"), label=words, icon=":material/list:", query_params={"side": "runs"})


def _tile(workspace: Workspace, run: Run, now: float) -> str:
    facts = path.read_facts(workspace, run)
    step = path.next_step(path.steps(facts))
    opened = f"explore?run={run.id}" if "clustering" in run.artifacts else f"jobs?side=runs&run={run.id}"
    state = "" if run.state == "done" else f'<em data-state="{html.escape(run.state)}">{html.escape(run.state)}</em>'
    following = ""
    if step is not None:
        where = html.escape(path_rail.address(run.id, step))
        following = f'<a class="comus-link comus-following" href="{where}">Next: {html.escape(step.action)}</a>'
    name, address, shown = html.escape(run.name), html.escape(opened), _covers(workspace, run)
    return (
        f'<article><a class="comus-link" href="{address}"><div class="comus-covers">{shown}'
        f"</div><h3>{name}{state}</h3></a><p>{html.escape(_words(run, facts, now))}</p>{following}</article>"
    )


def _covers(workspace: Workspace, run: Run) -> str:
    shown = covers(workspace, run)
    if not shown:
        return '<span class="comus-icon" aria-hidden="true">image</span>'
    return "".join(
        f'<span><img src="{html.escape(one.image)}" alt="" loading="lazy">'
        + (f'<img src="{html.escape(one.masks)}" alt="" loading="lazy">' if one.masks else "")
        + "</span>"
        for one in shown
    )


def _words(run: Run, facts: RunFacts, now: float) -> str:
    words = [counted(facts.images, "image")] if facts.images else []
    words += [counted(facts.categories, "cluster")] if facts.categories else []
    score = (run.result.get("evaluation") or {}).get("miou")
    if facts.gain is not None and facts.gain.figures:
        words.append(f"mIoU {facts.gain.figures}")
    elif score is not None:
        words.append(f"mIoU {score:.1f}")
    return " · ".join([*words, job_words.stored_time(run.updated_at, now)])
