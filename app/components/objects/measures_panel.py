"""Before the table: a job measures the objects, once."""

from __future__ import annotations

import streamlit as st

from app.components.shared import job_watch, notices, states
from app.forms import verb_form
from comus_core.errors import ComusError
from comus_core.pipelines.export_settings import ObjectsSettings
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions


def show(view: RunView, decided: Decisions) -> None:
    """Draw the button, or the job that measures."""
    job = verb_form.last_job(view.workspace, "objects", view.run)
    if job is not None and job.state != "done":
        job_watch.show(job, key="objects_progress")
        return
    objects = decided_objects(view, decided)
    states.empty(
        "The objects are not measured yet",
        f"A job reads {counted(len(objects.rows_of_image), 'image')} and measures shape, colour and sharpness of "
        f"{counted(len(objects), 'object')}. It is done once; afterwards only changed masks are measured.",
        "straighten",
    )
    with st.container(horizontal_alignment="center"):
        st.button(
            "Measure the objects",
            key="objects_measure",
            icon=":material/straighten:",
            type="primary",
            on_click=_start,
            args=(view,),
        )
    command = verb_form.command(view.workspace, "objects", view.run, ObjectsSettings("objects.csv"))
    with st.expander("Equivalent command", key="objects_command"):
        st.code(command, language=None, wrap_lines=True)


def _start(view: RunView) -> None:
    try:
        verb_form.submit_verb(view.workspace, "objects", view.run, ObjectsSettings())
    except ComusError as fault:
        notices.fault(fault)
