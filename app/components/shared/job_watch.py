"""One job watched from the page that started it: its card, drawn again every second while the job is active."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from app.components.shared import job_card, page_data
from comus_core import jobs
from comus_core.jobs import Job


def show(job: Job, *, key: str, on_end: Callable[[Job], object] | None = None) -> None:
    """Draw the job; when it begins or ends, the whole page is drawn again; `on_end` receives a job that ended."""
    active = job.state in jobs.ACTIVE
    st.fragment(_watch, run_every=1.0 if active else None, key=key)(job.id, active, on_end)


def _watch(job_id: int, active: bool, on_end: Callable[[Job], object] | None) -> None:
    workspace = page_data.workspace()
    job = jobs.get(workspace, job_id)
    if (job.state in jobs.ACTIVE) != active:
        if active and on_end is not None:
            on_end(job)
        st.rerun()
    if active:
        jobs.ensure_supervisor(workspace)  # one that was killed is missed here
    job_card.show(job, None, time.time())
