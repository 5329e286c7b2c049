"""The running jobs, shown where they were started: stages, log, cancel, resume."""

from __future__ import annotations

import time

import streamlit as st

from app.components.jobs.job_panel import EVERY
from app.components.shared import job_card, page_data
from comus_core import jobs
from comus_core.jobs import Job


def show() -> None:
    """Draw the running ones, and the last one if it stopped; nothing where there is neither."""
    shown = followed(jobs.list_jobs(page_data.workspace()))
    if shown:
        active = any(job.state in jobs.ACTIVE for job in shown)
        st.fragment(_draw, run_every=EVERY if active else None, key="discover_jobs")(_states(shown))


def followed(every: list[Job]) -> list[Job]:
    """Of all jobs, newest first: the running ones, oldest first; without one the newest, if it can be resumed."""
    runs = [job for job in every if job.kind == "discover"]
    active = [job for job in reversed(runs) if job.state in jobs.ACTIVE]
    return active or [job for job in runs[:1] if job.state in jobs.RESUMABLE]


def _draw(seen: tuple[tuple[int, bool], ...]) -> None:
    workspace = page_data.workspace()
    shown = followed(jobs.list_jobs(workspace))
    if _states(shown) != seen:
        st.rerun()  # one began or ended: the refresh rate follows
    st.header("Running" if any(job.state in jobs.ACTIVE for job in shown) else "Stopped", anchor=False)
    runs, now = {run.id: run for run in workspace.runs.all(archived=True)}, time.time()
    for job in shown:
        job_card.show(job, runs.get(job.run or ""), now)


def _states(shown: list[Job]) -> tuple[tuple[int, bool], ...]:
    return tuple((job.id, job.state in jobs.ACTIVE) for job in shown)
