"""Uploading images: the field, the choice of the round, and the job that predicts their masks."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.shared import choices, export_links, job_watch, states
from app.data.plain_text import plain
from app.forms import predict_form
from comus_core.errors import ComusError
from comus_core.jobs import Job, words
from comus_core.runs.run_view import RunView
from comus_core.text import counted

COUNT = "predict_uploads"  # a fresh field after each upload: the old one would hold the files in memory


def show(view: RunView) -> None:
    """Draw the form, and the last job unless it succeeded."""
    rounds = predict_form.rounds(view.workspace, view.run)
    if not rounds:
        states.empty(
            "No round can predict yet",
            "This run uses your own feature vectors, so its clusters cannot predict new images. A trained round can.",
            "school",
        )
        st.code(f"comus train {view.run.id} --workspace {view.workspace.root}", language=None, wrap_lines=True)
        return
    number = choices.selected("Predict with", rounds, key="predict_round", hidden=False)
    st.caption(
        "Uses the network of this round, with the same post-processing as for its own masks."
        if number
        else "Finds proposals as in the run and gives each the category of its nearest neighbours."
    )
    files = st.file_uploader(
        "Images", accept_multiple_files=True, key=f"predict_files_{state.setting(COUNT, 0)}", max_upload_size=200
    )
    words = f"Predict {counted(len(files), 'image')}" if files else "Predict"
    if st.button(words, key="predict_start", icon=":material/visibility:", type="primary", disabled=not files):
        try:
            predict_form.start(view.workspace, view.run, number, [(file.name, file) for file in files])
        except ComusError as fault:
            states.error(fault)
        else:
            state.set_setting(COUNT, state.setting(COUNT, 0) + 1)
            state.forget("prediction", "photo")
            st.rerun()
    _job(view)
    export_links.of_round(view, number)
    with st.expander("Equivalent command, for a folder of any size"):
        st.code(predict_form.command_line(view.workspace, view.run, number), language=None, wrap_lines=True)


def _job(view: RunView) -> None:
    job = predict_form.last_job(view.workspace, view.run)
    if job is not None and job.state != "done":
        job_watch.show(job, key="predict_progress", on_end=_notice)


def _notice(job: Job) -> None:
    if job.state == "done":
        st.toast(f"Predicted {plain(words.title(job))}", icon=":material/check_circle:")
