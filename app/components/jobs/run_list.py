"""The runs, newest first: found by name or note, archived ones on request."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.components.jobs import bundles, run_card
from app.components.shared import choices, fields, page_data, states
from app.components.shared.gallery import paged
from comus_core import jobs
from comus_core.maintenance.disk_use import disk_use

PAGE_SIZE = 12


def show() -> None:
    """Draw the list."""
    place = page_data.workspace()
    every = place.runs.all(archived=True)
    if not every:
        states.no_runs()
        with st.container(horizontal_alignment="center"):
            _open_bundle()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="run_controls"):
        words = choices.searched("Find a name, note or id", key="run_search", width=280)
        archived = _archived_too(sum(run.archived for run in every))
        _open_bundle()
    found = [run for run in every if archived or not run.archived]
    found = [run for run in found if words.casefold() in f"{run.name}\n{run.note}\n{run.id}".casefold()]
    if not found:
        states.empty("No run to show", "None is called so, or all of them are archived.", "search_off")
    newest = {job.run: job for job in reversed(jobs.list_jobs(place)) if job.run}
    use = disk_use(place)
    for run in found[paged(len(found), key=f"runs-{words}-{archived}", page_size=PAGE_SIZE)]:
        run_card.show(run, newest.get(run.id), use.of_run(run.id))


def _open_bundle() -> None:
    if st.button("Open a bundle", key="open_bundle", icon=":material/unarchive:", help="A run that somebody sent."):
        bundles.take()


def _archived_too(count: int) -> bool:
    if not count:
        return False
    shown = bool(state.setting("run_archived", False))
    keep = partial(state.set_setting, "run_archived")
    return fields.switch(f"Archived too ({count})", "run_archived", shown, keep)
