"""The dialog that adds new images to a run, as a job."""

from __future__ import annotations

import streamlit as st

from app.components.shared import navigation, page_data, states
from app.data.plain_text import code, plain
from app.forms import verb_form
from comus_core.datasets.allowed_folders import allowed_dataset, image_roots
from comus_core.errors import ComusError
from comus_core.jobs import Job
from comus_core.pipelines.verb_settings import AddSettings
from comus_core.workspace import Run


@st.dialog("Add images to the run")
def show(run: Run) -> None:
    """Choose the folder, and start."""
    st.markdown(f"**{plain(run.name)}** {code(run.id)}")
    st.markdown(
        "Each object in the new images joins the cluster that fits it best, with a confidence; nothing is clustered "
        "again. The result is a new run that starts with the names, merges and filter of this one."
    )
    workspace = page_data.workspace()
    with st.form(f"add_form_{run.id}", border=False):
        spec = st.text_input(
            "Folder of the new images on the server",
            key=f"add_dataset_{run.id}",
            placeholder="/data/more-images, or voc:ROOT:SPLIT",
        )
        if st.form_submit_button(
            "Add", type="primary", key=f"add_start_{run.id}", icon=":material/add_photo_alternate:"
        ):
            try:
                job = start(run, spec)
            except ComusError as fault:
                states.error(fault)
            else:
                navigation.go("jobs", job=str(job.id))
    st.caption("Equivalent command:")
    st.code(verb_form.command(workspace, "add", run, AddSettings("FOLDER")), language=None, wrap_lines=True)


def start(run: Run, spec: str) -> Job:
    """Queue the job.

    Raises:
        ComusError: no folder, or one that this server may not read.
    """
    workspace = page_data.workspace()
    dataset = allowed_dataset(spec.strip(), image_roots(workspace.root)) if spec.strip() else ""
    return verb_form.submit_verb(workspace, "add", run, AddSettings(dataset))
