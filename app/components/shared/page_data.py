"""What a page looks at: the run chosen, opened, with a person's decisions as they are now."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.shared import states
from app.data import run_cache
from app.data.run_cache import truth_of, view_of, workspace
from comus_core.datasets.records import GroundTruth
from comus_core.errors import ComusError, WorkspaceError
from comus_core.runs.run_view import RunView
from comus_core.workspace import Run
from comus_core.workspace.decisions import Decisions

__all__ = ["current_run", "current_view", "decisions", "runs", "truth", "view_of", "workspace"]


def runs() -> list[Run]:
    """All runs that are not archived, newest first."""
    return run_cache.workspace().runs.all()


def current_run() -> Run | None:
    """The chosen run as stored now; the newest if none is chosen, None if there is none at all."""
    run_id = state.run_id()
    return next(iter(runs()), None) if not run_id or missing_run() else workspace().runs.get(run_id)


def missing_run() -> str | None:
    """The run chosen if this workspace has none of that id: it was deleted, or the address is from elsewhere."""
    run_id = state.run_id()
    if run_id:
        try:
            workspace().runs.get(run_id)
        except WorkspaceError:
            return run_id
    return None


def current_view() -> RunView:
    """The run chosen, opened. Where there is nothing to look at yet, the page says so and stops."""
    run = current_run()
    if run is None:
        states.no_runs()
        st.stop()
    if "clustering" not in run.artifacts:
        states.not_ready(run)
        st.stop()
    try:
        return view_of(run)
    except ComusError as error:
        states.error(error)
        st.stop()


def decisions(view: RunView) -> Decisions:
    """Names and filter percentages as decided, read at every rerun: another tab may have changed them."""
    return view.workspace.decisions_of(view.run)


def truth(view: RunView) -> GroundTruth | None:
    """Ground truth of the run's data set, or None; opened on first use."""
    return truth_of(view)
