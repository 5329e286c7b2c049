"""The jobs: the active ones, refreshed every second, and the ended ones."""

from __future__ import annotations

import time

import streamlit as st

from app import state
from app.components.shared import job_card, page_data, states
from app.components.shared.gallery import paged
from comus_core import jobs
from comus_core.errors import ComusError

EVERY = 1.0  # seconds between refreshes while a job is active
PAGE_SIZE = 10


def show() -> None:
    """Draw the panel; while a job is active it refreshes itself, without the rest of the page."""
    active = _active()
    st.fragment(_panel, run_every=EVERY if active else None, key="job_panel")(active)


def _panel(active_at_draw: tuple[int, ...]) -> None:
    workspace = page_data.workspace()
    if _active() != active_at_draw:
        st.rerun()  # one began or ended: the sidebar and the refresh rate follow
    if active_at_draw:
        try:
            jobs.ensure_supervisor(workspace)  # one that was killed is missed here
        except ComusError as fault:
            states.error(fault)
    every = jobs.list_jobs(workspace)
    if not every:
        states.empty("No jobs yet", "Runs, trainings and predictions run in the background, as jobs.", "checklist")
        return
    runs, now = {run.id: run for run in workspace.runs.all(archived=True)}, time.time()
    active = sorted((job for job in every if job.state in jobs.ACTIVE), key=lambda job: job.id)
    for job in active:
        job_card.show(job, runs.get(job.run or ""), now)
    ended = [job for job in every if job.state not in jobs.ACTIVE]
    first = state.parameters().get("job", "")
    ended.sort(key=lambda job: str(job.id) != first)  # the one that the address names first, else the newest
    if ended and active:
        st.header("Ended", anchor=False)
    for job in ended[paged(len(ended), key="jobs", page_size=PAGE_SIZE)]:
        job_card.show(job, runs.get(job.run or ""), now)


def _active() -> tuple[int, ...]:
    return tuple(sorted(job.id for job in jobs.list_jobs(page_data.workspace(), jobs.ACTIVE)))
