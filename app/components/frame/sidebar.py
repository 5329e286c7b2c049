"""The sidebar under the navigation: the selected run, and the running jobs."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.frame import job_news
from app.components.shared import badge, choices, fields, job_card, navigation, page_data
from comus_core import jobs
from comus_core.text import counted
from comus_core.workspace import Run

BUSY_EVERY, IDLE_EVERY = 2.0, 10.0  # seconds between looks at the jobs
SEEN = "jobs-seen-ended"


def show(run: Run | None) -> None:
    """Draw the run picker, its state, and the line of running jobs."""
    if run is not None:
        _run_picker(run)
    _jobs_line()


def _run_picker(run: Run) -> None:
    runs = {r.id: r for r in page_data.runs()} | {run.id: run}
    labels = choices.distinct({r.id: _label(r) for r in runs.values()})
    fields.choice("Run", "run_picker", run.id, list(runs), state.choose_run, format_func=labels.__getitem__)
    if run.state != "done":
        badge.state(run)


def _label(run: Run) -> str:
    return run.name if run.state == "done" else f"{run.name} ({run.state})"


def _jobs_line() -> None:
    """The line of running jobs, which also gives notice when a long one has ended, whatever page is open."""
    active = jobs.list_jobs(page_data.workspace(), jobs.ACTIVE)
    st.fragment(_look_at_jobs, run_every=BUSY_EVERY if active else IDLE_EVERY, key="jobs_line")()


def _look_at_jobs() -> None:
    every = jobs.list_jobs(page_data.workspace())
    ended, seen = job_news.news(every, state.setting(SEEN, None))
    state.set_setting(SEEN, seen)
    for job in ended:
        st.toast(job_news.sentence_on(job), icon=f":material/{job_card.ICONS[job.state]}:", duration="infinite")
    active = [job for job in every if job.state in jobs.ACTIVE]
    if active:
        words = f"{counted(len(active), 'job')} running"
        st.page_link(navigation.page("jobs"), label=words, icon=":material/progress_activity:")
