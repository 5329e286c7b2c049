"""What "More like these" compares with: proposals, each removable, and an image of a person's own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from app import state
from app.components.shared import fields, job_watch, states
from app.components.shared.gallery import gallery
from app.data import similar_query
from app.data.colouring import Colouring
from app.data.plain_text import plain, sentence
from app.data.similar_query import SimilarQuery
from app.forms import similar_form
from app.server import pictures
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.features.encoders import own_vectors
from comus_core.jobs import Job
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.types import SimilarBy

BY_WORDS: dict[SimilarBy, str] = {"mean": "Their mean", "nearest": "The nearest of them"}
COUNT = "similar_page_uploads"  # a fresh field after each upload


def show(view: RunView, colours: Colouring) -> SimilarQuery | None:
    """Draw them; returns the query, None while there is nothing to compare with."""
    ids = similar_query.like_ids(state.parameter(state.LIKE))
    known = [p for p in ids if p in view.row_of]
    by, job = similar_query.by_of(state.parameter(state.BY)), _job(view)
    for name in (state.LIKE, state.BY, state.THRESHOLD, state.PICTURE):  # a page change has wiped them
        state.set_parameter(name, state.parameter(name))
    image, file = _described(job)
    rows = np.array([view.row_of[p] for p in known], np.int64)
    query = SimilarQuery(rows, by, image, job.id if len(image) and job else None, file)
    if len(known) < len(ids):
        st.caption(f"{counted(len(ids) - len(known), 'proposal')} of the address not found in this run.")
    if known:
        _proposals(view, known, rows, colours)
    if len(query) > 1:
        fields.buttons(
            "Similar to",
            "similar_by",
            by,
            list(BY_WORDS),
            lambda value: state.set_parameter(state.BY, value if value != "mean" else ""),
            format_func=BY_WORDS.__getitem__,
        )
    _image(view, job)
    if len(query):
        return query
    if job is None:
        states.empty(
            "Nothing to compare with",
            "Open a proposal on the Image page or click a point on Explore, then press “More like this”.",
            "image_search",
        )
    return None


def _proposals(view: RunView, ids: list[str], rows: np.ndarray, colours: Colouring) -> None:
    def take(kept: list[str]) -> None:
        state.set_parameter(state.LIKE, similar_query.like_value(kept))
        state.set_parameter(state.THRESHOLD, "")

    fields.several(f"Compared with {counted(len(ids), 'proposal')}", "similar_like", ids, ids, take)
    frames = [colours.colour(int(row)) for row in rows]
    names = [colours.name(int(row)) for row in rows]
    gallery(view, rows, captions=names, outlines=frames, size=96, key="similar_compared")


def _image(view: RunView, job: Job | None) -> None:
    """The image compared with, or the field for one."""
    if job is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="similar_image"):
            _shown(job)
            st.button(
                "Remove image",
                key="similar_remove_image",
                icon=":material/close:",
                type="tertiary",
                on_click=partial(_compare_with, None),
            )
        return
    if own_vectors(view.run.config.features.encoder):
        st.caption("This run uses your own feature vectors, so a new image cannot be compared with it.")
        return
    with st.expander("Compare with an image of your own", icon=":material/add_photo_alternate:", key="similar_add"):
        file = st.file_uploader("Image", key=f"similar_page_file_{state.setting(COUNT, 0)}", max_upload_size=200)
        if file is not None and st.button("Compare", key="similar_page_start", type="primary"):
            try:
                started = similar_form.start(view.workspace, view.run, file.name, file)
            except ComusError as fault:
                states.error(fault)
            else:
                state.set_setting(COUNT, state.setting(COUNT, 0) + 1)
                _compare_with(started.id)
                st.rerun()


def _shown(job: Job) -> None:
    if job.state != "done":
        with st.container(key="similar_job"):
            job_watch.show(job, key="similar_page_progress")
        return
    try:
        small, answer = pictures.photograph_at(Path(str(job.settings["picture"])), 480), jobs.read_result(job)
    except (ComusError, OSError) as fault:
        st.caption(sentence(fault))
        return
    objects = len(answer["parts"]) - 1
    words = f"the {counted(objects, 'object')} found in it" if objects else "the whole image, as no object was found"
    st.image(small, width=160)
    st.markdown(f"**{plain(Path(answer['picture']).name)}**: {words}", width="stretch")


def _job(view: RunView) -> Job | None:
    """The job that describes the image of the address; None without one, and for one of another run."""
    value = state.parameter(state.PICTURE)
    if not value.isdecimal():
        return None
    try:
        job = jobs.get(view.workspace, int(value))
    except ComusError:
        return None
    return job if (job.kind, job.subject) == ("similar", view.run.id) and job.settings.get("picture") else None


def _described(job: Job | None) -> tuple[np.ndarray, str | None]:
    """The vectors of the image's objects, or of the whole image without any, and its file."""
    nothing = np.zeros((0, 0), np.float32)
    if job is None or job.state != "done":
        return nothing, None
    try:
        vectors = [part.get("vector", ()) for part in jobs.read_result(job)["parts"]]
    except (ComusError, OSError):
        return nothing, None
    if not all(len(vector) for vector in vectors):  # searched for by an earlier version
        return nothing, None
    return np.array(vectors[:-1] or vectors, np.float32), str(job.settings["picture"])


def _compare_with(job_id: int | None) -> None:
    state.set_parameter(state.PICTURE, "" if job_id is None else str(job_id))
    state.set_parameter(state.THRESHOLD, "")
