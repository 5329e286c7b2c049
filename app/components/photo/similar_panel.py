"""The proposals most similar to an uploaded image: the field, the job, and the nearest proposals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app import state
from app.components.shared import choices, job_watch, states
from app.components.shared.gallery import gallery
from app.data.colouring import Colouring
from app.data.palette import UNASSIGNED
from app.data.plain_text import plain, sentence
from app.forms import similar_form, verb_form
from app.server import pictures
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.features.encoders import own_vectors
from comus_core.jobs import Job
from comus_core.runs.run_view import RunView

COUNT = "similar_uploads"  # a fresh field after each upload


def show(view: RunView, colours: Colouring) -> None:
    """Draw it, collapsed."""
    job = verb_form.last_job(view.workspace, "similar", view.run)
    with st.expander("Search with your own image", icon=":material/image_search:", key="similar_panel"):
        if own_vectors(view.run.config.features.encoder):
            st.caption("This run uses your own feature vectors, so a new image cannot be compared with it.")
            return
        file = st.file_uploader("Image", key=f"similar_file_{state.setting(COUNT, 0)}", max_upload_size=200)
        if file is not None and st.button("Search", key="similar_start", icon=":material/search:", type="primary"):
            try:
                similar_form.start(view.workspace, view.run, file.name, file)
            except ComusError as fault:
                states.error(fault)
            else:
                state.set_setting(COUNT, state.setting(COUNT, 0) + 1)
                st.rerun()
        if job is not None and job.state == "done":
            _results(view, job, colours)
        elif job is not None:
            job_watch.show(job, key="similar_progress")
        st.caption("Equivalent command:")
        st.code(similar_form.command_line(view.workspace, view.run), language="bash", wrap_lines=True)


def _results(view: RunView, job: Job, colours: Colouring) -> None:
    try:
        answer = jobs.read_result(job)
        small = pictures.photograph_at(Path(str(job.settings["picture"])), 480)
    except (ComusError, OSError) as fault:
        st.caption(sentence(fault))
        return
    parts: dict[int, dict[str, Any]] = dict(enumerate(answer["parts"]))
    left, right = st.columns([1, 4], gap="medium")
    with left:
        st.image(small, caption=plain(Path(answer["picture"]).name))
    with right:
        number = choices.segmented(
            "Compared part", {k: p["what"].capitalize() for k, p in parts.items()}, key="similar_part"
        )
        neighbours = [entry for entry in parts[number]["found"] if entry["proposal"] in view.row_of]
        rows = [view.row_of[entry["proposal"]] for entry in neighbours]
        names, frames = names_of(colours, rows)
        captions = [f"{entry['cosine']:.3f} · {name}" for entry, name in zip(neighbours, names, strict=True)]
        gallery(view, rows, captions=captions, outlines=frames, size=160, key="similar_gallery")


def names_of(colours: Colouring, rows: list[int]) -> tuple[list[str], list[str]]:
    """Name and colour of the category of each row."""
    index = [int(colours.index[row]) for row in rows]
    names = [colours.names[i] if i >= 0 else colours.unassigned for i in index]
    return names, [colours.colours[i] if i >= 0 else UNASSIGNED for i in index]
