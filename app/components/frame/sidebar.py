"""The sidebar: the pages, the selected run, and the running jobs."""

from __future__ import annotations

import html

import streamlit as st

from app import state
from app.components.frame import job_news
from app.components.shared import badge, choices, fields, job_card, job_outcome, navigation, page_data
from app.data import job_outcomes
from app.data.plain_text import plain
from comus_core import jobs
from comus_core.jobs import Job
from comus_core.person import acting
from comus_core.text import counted
from comus_core.workspace import Run

BUSY_EVERY, IDLE_EVERY = 2.0, 10.0  # seconds between looks at the jobs
SEEN = "jobs-seen-ended"
KNOWN = "jobs-known"  # ids of the jobs whose results are no news


def show(run: Run | None) -> None:
    """Draw the list of pages, the run picker, its state, and the line of running jobs."""
    _pages()
    if run is not None:
        _run_picker(run)
    _jobs_line()
    _person()


def _person() -> None:
    """Who is logged in, and the way out; nothing without a login."""
    person = acting()
    if person is not None:
        role = "" if person.shown == person.role else f" ({person.role})"
        st.html(
            f'<p class="comus-person">Logged in as {html.escape(person.shown)}{role} · '
            '<a href="logout" target="_self">Log out</a></p>'
        )


def _pages() -> None:
    with st.container(key="pages", gap=None):
        for title, names in navigation.SECTIONS.items():
            if title:
                st.caption(title)
            for name in names:
                entry = navigation.PAGES[name]
                if not entry.hidden:
                    st.page_link(navigation.page(name), label=entry.title, icon=entry.icon)


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
        words = job_news.sentence_on(job, job_outcome.sentence(job))
        st.toast(words, icon=f":material/{job_card.ICONS[job.state]}:", duration="infinite")
    active = [job for job in every if job.state in jobs.ACTIVE]
    if active:
        words = f"{counted(len(active), 'job')} running"
        st.page_link(navigation.page("jobs"), label=words, icon=":material/progress_activity:")
    _last_result(every)


def _last_result(every: list[Job]) -> None:
    """What the last job of this session came to, with a link, until its result or another page about it is opened."""
    known = state.setting(KNOWN, None)
    if known is None:
        known = frozenset(job.id for job in every if job.state in jobs.FINAL)
        state.set_setting(KNOWN, known)
    job = job_news.last_result(every, known)
    place = job_outcomes.destination(job) if job is not None else None
    if job is None or place is None:
        return
    if state.is_on(place.page, dict(place.parameters).get("run")):
        state.set_setting(KNOWN, known | {one.id for one in every if one.state in jobs.FINAL})
        return
    said = job_outcomes.outcome(job)
    with st.container(key="last_result"):
        job_outcome.link(place, plain(f"{said}: {place.label[0].lower()}{place.label[1:]}" if said else place.label))
