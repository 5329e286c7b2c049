"""Dropping photographs in: the field, the choice of the round, and the job that predicts them."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.shared import choices, job_watch, states
from app.data.plain_text import plain
from app.forms import predict_form
from comus_core.errors import ComusError
from comus_core.jobs import Job, words
from comus_core.runs.run_view import RunView
from comus_core.text import counted

COUNT = "predict_uploads"  # a fresh field after each upload: the old one would hold the files in memory


def show(view: RunView) -> None:
    """Draw the form, and the last job while it has something to say."""
    rounds = predict_form.rounds(view.workspace, view.run)
    if not rounds:
        states.empty(
            "Nothing here can predict yet",
            "This run's vectors are your own, and new photographs have none. A trained round needs none of them.",
            "school",
        )
        st.code(f"comus train {view.run.id} --workspace {view.workspace.root}", language="bash", wrap_lines=True)
        return
    number = choices.selected("Predict with", rounds, key="predict_round", hidden=False)
    st.caption(
        "By this round's network, with the same post-processing as its own masks."
        if number
        else "Proposals are found as in the run, and each gets the category of its nearest neighbours there."
    )
    files = st.file_uploader(
        "Photographs", accept_multiple_files=True, key=f"predict_files_{state.setting(COUNT, 0)}", max_upload_size=200
    )
    words = f"Predict {counted(len(files), 'photograph')}" if files else "Predict"
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
    with st.expander("The same from a terminal, with a folder of any size"):
        st.code(predict_form.command_line(view.workspace, view.run, number), language="bash", wrap_lines=True)


def _job(view: RunView) -> None:
    job = predict_form.last_job(view.workspace, view.run)
    if job is not None and job.state != "done":
        job_watch.show(job, key="predict_progress", on_end=_tell)


def _tell(job: Job) -> None:
    if job.state == "done":
        st.toast(f"Predicted {plain(words.title(job))}", icon=":material/check_circle:")
