"""The runs that are at work, followed where they were started: stages, log, cancel, resume."""

from __future__ import annotations

import time

import streamlit as st

from app.components.jobs.job_panel import EVERY
from app.components.shared import job_card, page_data
from comus_core import jobs
from comus_core.jobs import Job


def show() -> None:
    """Draw those at work, and the last one if it stopped; nothing where there is neither."""
    found = followed(jobs.list_jobs(page_data.workspace()))
    if found:
        active = any(job.state in jobs.ACTIVE for job in found)
        st.fragment(_draw, run_every=EVERY if active else None, key="discover_jobs")(_states(found))


def followed(every: list[Job]) -> list[Job]:
    """Of all jobs, newest first: the runs at work, oldest first; without one the newest, if it can be resumed."""
    runs = [job for job in every if job.kind == "discover"]
    active = [job for job in reversed(runs) if job.state in jobs.ACTIVE]
    return active or [job for job in runs[:1] if job.state in jobs.RESUMABLE]


def _draw(seen: tuple[tuple[int, bool], ...]) -> None:
    place = page_data.workspace()
    found = followed(jobs.list_jobs(place))
    if _states(found) != seen:
        st.rerun()  # one began or ended: the pace of looking follows
    st.header("At work" if any(job.state in jobs.ACTIVE for job in found) else "Stopped", anchor=False)
    runs, now = {run.id: run for run in place.runs.all(archived=True)}, time.time()
    for job in found:
        job_card.show(job, runs.get(job.run or ""), now)


def _states(found: list[Job]) -> tuple[tuple[int, bool], ...]:
    return tuple((job.id, job.state in jobs.ACTIVE) for job in found)
