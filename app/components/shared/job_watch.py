"""One job watched from the page that asked for it: its card, looked at every second while it is at work."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from app.components.shared import job_card, page_data
from comus_core import jobs
from comus_core.jobs import Job


def show(job: Job, *, key: str, on_end: Callable[[Job], object] | None = None) -> None:
    """Draw the job; when it begins or ends, the whole page is drawn anew, and `on_end` is told of the end."""
    active = job.state in jobs.ACTIVE
    st.fragment(_watch, run_every=1.0 if active else None, key=key)(job.id, active, on_end)


def _watch(job_id: int, active: bool, on_end: Callable[[Job], object] | None) -> None:
    place = page_data.workspace()
    job = jobs.get(place, job_id)
    if (job.state in jobs.ACTIVE) != active:
        if active and on_end is not None:
            on_end(job)
        st.rerun()
    if active:
        jobs.ensure_supervisor(place)  # one that was killed is missed here
    job_card.show(job, None, time.time())
