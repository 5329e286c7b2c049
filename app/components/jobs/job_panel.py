"""The jobs: those at work, looked at every second, and those that have ended."""

from __future__ import annotations

import time

import streamlit as st

from app import state
from app.components.shared import job_card, page_data, states
from app.components.shared.gallery import paged
from comus_core import jobs
from comus_core.errors import ComusError

EVERY = 1.0  # seconds between looks while a job is at work
PAGE_SIZE = 10


def show() -> None:
    """Draw the panel; while a job is at work it refreshes itself, without the rest of the page."""
    active = _active()
    st.fragment(_panel, run_every=EVERY if active else None, key="job_panel")(active)


def _panel(active_at_draw: tuple[int, ...]) -> None:
    place = page_data.workspace()
    if _active() != active_at_draw:
        st.rerun()  # one began or ended: the sidebar and the pace of looking follow
    if active_at_draw:
        try:
            jobs.ensure_supervisor(place)  # one that was killed is missed here
        except ComusError as fault:
            states.error(fault)
    found = jobs.list_jobs(place)
    if not found:
        states.empty("No jobs yet", "A run that is started from here works in the background, as a job.", "checklist")
        return
    runs, now = {run.id: run for run in place.runs.all(archived=True)}, time.time()
    at_work = sorted((job for job in found if job.state in jobs.ACTIVE), key=lambda job: job.id)
    for job in at_work:
        job_card.show(job, runs.get(job.run or ""), now)
    ended = [job for job in found if job.state not in jobs.ACTIVE]
    asked = state.parameters().get("job", "")
    ended.sort(key=lambda job: str(job.id) != asked)  # the one that the address names first, else the newest
    if ended and at_work:
        st.header("Ended", anchor=False)
    for job in ended[paged(len(ended), key="jobs", page_size=PAGE_SIZE)]:
        job_card.show(job, runs.get(job.run or ""), now)


def _active() -> tuple[int, ...]:
    return tuple(sorted(job.id for job in jobs.list_jobs(page_data.workspace(), jobs.ACTIVE)))
