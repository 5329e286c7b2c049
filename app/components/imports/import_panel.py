"""The steps of an import: compare, look, apply; and the job that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import state
from app.components.imports import import_changes
from app.components.shared import deciding, job_outcome, job_watch, notices, states
from app.forms import import_form
from app.forms.import_form import ImportChoices
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.export.import_plan import ImportPlan
from comus_core.jobs import Job
from comus_core.jobs.logs import read_result
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


def show(view: RunView, decided: Decisions, chosen: ImportChoices) -> None:
    """Draw what the file changes, and the button that applies it."""
    job = import_form.last_job(view.workspace, view.run, chosen, preview=False)
    if job is not None and (job.state in jobs.ACTIVE or state.setting(_applied(view), 0) == job.id):
        _show_job(view, job)
        if job.state in (*jobs.ACTIVE, "done"):
            return
    try:
        plan, full = _plan(view, decided, chosen)
    except ComusError as fault:
        states.error(fault)
        return
    if plan is None:
        return
    _apply(view, chosen, plan)
    import_changes.show(view, decided, plan, full)
    deciding.follow(view, decided.version)


def _plan(
    view: RunView, decided: Decisions, chosen: ImportChoices
) -> tuple[Mapping[str, Any] | None, ImportPlan | None]:
    """The plan as JSON, None as long as a job compares; and itself, if the page made it."""
    if not import_form.is_large(view, chosen.path):
        with st.spinner("Comparing the file with the run"):
            full = import_form.plan(view, decided, chosen)
        return full.to_json(), full
    job = import_form.last_job(view.workspace, view.run, chosen, preview=True)
    if job is not None and job.state == "done":
        plan = read_result(job)["plan"]
        outdated = _outdated(view, decided, chosen, job, plan)
        if not outdated:
            return plan, None
        st.caption(f"{outdated}: compare again.")
    if job is None or job.state == "done":
        st.caption("This file or run is large: a job compares them.")
        st.button(
            "Compare",
            key="import_compare",
            icon=":material/compare_arrows:",
            type="primary",
            on_click=_start,
            args=(view, chosen, None),
        )
    else:
        job_watch.show(job, key="import_compare_progress")
    return None, None


def _outdated(view: RunView, decided: Decisions, chosen: ImportChoices, job: Job, plan: Mapping[str, Any]) -> str:
    """Why the comparison of a job is not that of the file and the run as they are now; "" if it is."""
    if plan["version"] != decided.version:
        return "Decisions have changed since the comparison"
    if import_form.changed_since(chosen.path, job):
        return "The file has changed since the comparison"
    applied = import_form.last_job(view.workspace, view.run, chosen, preview=False)
    failed = applied is not None and applied.id > job.id and applied.state == "failed"
    return "The import after the comparison failed" if failed else ""


def _apply(view: RunView, chosen: ImportChoices, plan: Mapping[str, Any]) -> None:
    counts = plan["counts"]
    nothing = not (plan["new_run"] or counts["renamed"] or counts["moved"])
    where = (
        "Changed masks make a new run beside this one, which stays as it is."
        if plan["new_run"]
        else "Names and categories become decisions of this run, which can be undone."
    )
    read_only = view.run.read_only
    st.button(
        "Apply",
        key="import_apply",
        icon=":material/input:",
        type="primary",
        disabled=nothing or read_only,
        on_click=None if nothing or read_only else _start,
        args=(view, chosen, plan),
    )
    st.caption(
        "This run came in a bundle and cannot be changed."
        if read_only
        else "The file says what the run says: nothing to import."
        if nothing
        else where
    )


def _show_job(view: RunView, job: Job) -> None:
    """The import that was started here, and its result."""
    if job.state != "done":
        job_watch.show(job, key="import_progress")
        return
    with st.container(border=True, key="import_done"):
        job_outcome.show(job)
        st.button(
            "Compare again",
            key="import_again",
            icon=":material/compare_arrows:",
            type="tertiary",
            on_click=state.set_setting,
            args=(_applied(view), 0),
        )


def _applied(view: RunView) -> str:
    """Where the session keeps the job of the import that was started here."""
    return f"import-applied-{view.run.id}"


def _start(view: RunView, chosen: ImportChoices, shown: Mapping[str, Any] | None) -> None:
    """Apply the plan that is shown, or compare where there is none yet."""
    try:
        job = import_form.start(view.workspace, view.run, chosen, shown)
    except ComusError as fault:
        notices.fault(fault)
    else:
        state.set_setting(_applied(view), 0 if shown is None else job.id)
