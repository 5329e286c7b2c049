"""The sidebar under the navigation: which run is looked at, and what is at work."""

from __future__ import annotations

import streamlit as st

from app import navigation, state, view_data
from app.components import badge, choices
from comus_core import jobs
from comus_core.workspace import Run


def show(run: Run | None) -> None:
    """Draw the run picker, its state, and the line of running jobs."""
    if run is not None:
        _run_picker(run)
    _jobs_line()


def _run_picker(run: Run) -> None:
    known = {r.id: r for r in view_data.runs()} | {run.id: run}
    labels = choices.distinct({r.id: _label(r) for r in known.values()})
    st.selectbox(
        "Run",
        list(known),
        format_func=labels.__getitem__,
        key=state.put("run_picker", run.id),
        on_change=state.on_change("run_picker", state.choose_run),
    )
    if run.state != "done":
        st.badge(**badge.state_words(run))


def _label(run: Run) -> str:
    return run.name if run.state == "done" else f"{run.name} ({run.state})"


def _jobs_line() -> None:
    active = jobs.list_jobs(view_data.workspace(), jobs.ACTIVE)
    if active:
        number = f"{len(active)} jobs at work" if len(active) > 1 else "1 job at work"
        st.page_link(navigation.page("jobs"), label=number, icon=":material/progress_activity:")
