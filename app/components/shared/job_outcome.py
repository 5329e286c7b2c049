"""What came out of a finished job, with a link to it: on its card, in the sidebar and in a notice."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from app.components.shared import navigation
from app.data import job_outcomes
from app.data.job_outcomes import Destination
from app.data.plain_text import plain
from comus_core.jobs import Job


def show(job: Job) -> None:
    """Draw what came out and the link to it, in a line; nothing for a job that has not finished."""
    said, place = job_outcomes.outcome(job), job_outcomes.destination(job)
    if not said and place is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"job_outcome_{job.id}"):
        if said:
            st.markdown(f"**{plain(said[0].upper() + said[1:])}**", width="content")
        if place is not None:
            link(place, place.label)


def link(place: Destination, label: str) -> None:
    """The link to a result."""
    icon = ":material/arrow_forward:"
    st.page_link(navigation.page(place.page), label=label, icon=icon, query_params=dict(place.parameters))


def address(place: Destination) -> str:
    """The address of a result, as a link in Markdown or HTML has it."""
    return f"{place.page}?{urlencode(place.parameters)}" if place.parameters else place.page


def sentence(job: Job) -> str:
    """What came out, in Markdown, with a link to it; '' where nothing is known."""
    said, place = plain(job_outcomes.outcome(job)), job_outcomes.destination(job)
    linked = f"[{place.label}]({address(place)})" if place else ""
    return ": ".join(part for part in (said, linked) if part)
