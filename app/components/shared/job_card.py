"""A job: its state, its stages, how far it is, why it ended, its log; and buttons to stop it and to go on."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app.components.shared import export_links, job_outcome, navigation, notices, page_data
from app.data import job_words
from app.data.plain_text import plain, sentence
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.jobs import Job, words
from comus_core.workspace import Run
from comus_core.workspace.reserve import ROOM_TO_START, low_room

STYLE = Path(__file__).with_suffix(".css")
LOG_LINES = 200
Colour = Literal["blue", "orange", "green", "red", "gray"]
COLOURS: dict[str, Colour] = {
    "running": "blue",
    "cancelling": "orange",
    "done": "green",
    "failed": "red",
    "lost": "red",
}
ICONS = {
    "queued": "hourglass_empty",
    "running": "progress_activity",
    "cancelling": "hourglass_top",
    "done": "check_circle",
    "failed": "error",
    "lost": "error",
    "cancelled": "do_not_disturb_on",
}


def show(job: Job, run: Run | None, now: float) -> None:
    """Draw a job.

    Args:
        job: its row.
        run: the run it works on, if that is known and was not deleted.
        now: seconds since the epoch.
    """
    notices.show()  # a card is in a fragment, and its buttons may have left a notice
    active = job.state in jobs.ACTIVE
    with st.container(border=True, gap="small", key=f"job_{job.id}"):
        _head(job, now)
        if job.state != "done":
            st.html(_stages(job))
        if active:
            line = plain(job_words.progress_words(job, now, _ahead(job), _missing_room(job)))
            st.progress(0.0 if job.state == "queued" else job_words.fraction(job), line)
        job_outcome.show(job)
        if job.error:
            st.error(sentence(job.error), icon=":material/error:")
        _buttons(job, run, active)


def attempt(act: Callable[..., object], *arguments: Any) -> None:
    """Do what a button says; an expected fault, such as another tab being faster, is shown as a notice."""
    try:
        act(*arguments)
    except ComusError as fault:
        notices.fault(fault)


def resume(job_id: int) -> None:
    """Queue the job again, and make sure that a supervisor serves the queue."""
    workspace = page_data.workspace()
    jobs.resume(workspace, job_id)
    jobs.ensure_supervisor(workspace)


def cancel(job_id: int) -> None:
    """Cancel the job, and make sure that a supervisor does it."""
    workspace = page_data.workspace()
    if jobs.cancel(workspace, job_id).state == "cancelling":
        jobs.ensure_supervisor(workspace)


def first(job_id: int) -> None:
    """Let a queued job start before all others that are queued."""
    jobs.prioritise(page_data.workspace(), job_id)


def _ahead(job: Job) -> list[Job]:
    """The jobs that it waits for; none for one that has begun."""
    waits = job.state == "queued"
    return job_words.ahead_of(job, jobs.list_jobs(page_data.workspace(), jobs.ACTIVE)) if waits else []


def _missing_room(job: Job) -> str:
    """Why the disk lets no queued job start; '' where it does."""
    return low_room(page_data.workspace().root, ROOM_TO_START) if job.state == "queued" else ""


def _head(job: Job, now: float) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"job_head_{job.id}"):
        st.badge(job.state, color=COLOURS.get(job.state, "gray"), icon=f":material/{ICONS[job.state]}:")
        st.markdown(f"**{plain(_title(job))}**", width="content")
        parts = [
            f"job {job.id}",
            plain(words.phrase(job)),
            job_words.time_words(job, now),
        ]
        parts += [f"attempt {job.attempt}"] if job.attempt > 1 else []
        parts += [f"on {job.slot}"] if job.slot not in (None, "auto") else []
        st.caption(" · ".join(parts), width="content")


def _stages(job: Job) -> str:
    marks = "".join(
        f'<li data-state="{state}">{html.escape(stage)}</li>' for stage, state in job_words.stage_states(job)
    )
    return f'<ol class="comus-stages"{" data-live" if job.state == "running" else ""}>{marks}</ol>'


def _title(job: Job) -> str:
    """What it works on; a run by its name."""
    title = words.title(job)
    return next((run.name for run in page_data.runs() if run.id == title), title)


def _buttons(job: Job, run: Run | None, active: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"job_buttons_{job.id}"):
        if active:
            stopping = job.state == "cancelling"
            _button(job, "Cancel", "stop_circle", cancel, "Finished work is kept; the job can be resumed.", stopping)
            if any(other.state == "queued" for other in _ahead(job)):
                _button(job, "First", "vertical_align_top", first, "Starts before the others in the queue.")
        elif job.state in jobs.RESUMABLE:
            label = "Retry" if job.state == "failed" else "Resume"
            _button(job, "Resume", "replay", resume, "Continues from the finished work.", label=label)
        if run is not None and "clustering" in run.artifacts:
            st.page_link(
                navigation.page("explore"),
                label="Explore",
                icon=navigation.PAGES["explore"].icon,
                query_params={"run": run.id},
            )
            export_links.of_run(run.id)
        opened = st.toggle("Log", key=f"job_log_{job.id}")
        history = st.toggle("History", key=f"job_history_{job.id}")
    if history:
        st.dataframe(job_words.event_rows(jobs.events(page_data.workspace(), job.id)), hide_index=True)
    if opened:
        log = jobs.read_log(job).splitlines()[-LOG_LINES:]
        st.code("\n".join(log) or "No output yet", language=None, wrap_lines=True, height=260)


def _button(
    job: Job,
    name: str,
    icon: str,
    act: Callable[[int], object],
    help_text: str,
    disabled: bool = False,
    label: str = "",
) -> None:
    st.button(
        label or name,
        key=f"job_{name.lower()}_{job.id}",
        icon=f":material/{icon}:",
        help=help_text,
        disabled=disabled,
        on_click=attempt,
        args=(act, job.id),
    )
