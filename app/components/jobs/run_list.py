"""The runs, newest first: searched by name or note, archived ones on request."""

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
    workspace = page_data.workspace()
    every = workspace.runs.all(archived=True)
    if not every:
        states.no_runs()
        with st.container(horizontal_alignment="center"):
            _open_bundle()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="run_controls"):
        search = choices.searched("Search names, notes and ids", key="run_search", width=280)
        archived = _archived_too(sum(run.archived for run in every))
        _open_bundle()
    runs = [run for run in every if archived or not run.archived]
    runs = [run for run in runs if search.casefold() in f"{run.name}\n{run.note}\n{run.id}".casefold()]
    if not runs:
        states.empty("No matching run", "No run matches the search, or all of them are archived.", "search_off")
    newest = {job.run: job for job in reversed(jobs.list_jobs(workspace)) if job.run}
    use = disk_use(workspace)
    for run in runs[paged(len(runs), key=f"runs-{search}-{archived}", page_size=PAGE_SIZE)]:
        run_card.show(run, newest.get(run.id), use.of_run(run.id))


def _open_bundle() -> None:
    if st.button("Open a bundle", key="open_bundle", icon=":material/unarchive:", help="Open a run shared with you."):
        bundles.take()


def _archived_too(count: int) -> bool:
    if not count:
        return False
    shown = bool(state.setting("run_archived", False))
    keep = partial(state.set_setting, "run_archived")
    return fields.switch(f"Show archived ({count})", "run_archived", shown, keep)
