"""The images of a data set: how healthy they are, the pictures behind each answer, and their sizes."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from app.components.shared import choices, figures, job_watch, navigation, page_data, size_figures, states
from app.components.shared.gallery import paged
from app.data import job_words
from app.data.palette import colours
from app.forms import health_form, verb_form
from app.forms.health_form import ALL, Shown
from app.server.dataset_routes import image_url
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.files.csv_file import csv_bytes
from comus_core.pipelines.image_health import stored_report
from comus_core.pipelines.image_index import ImageIndex, index_key, quick_index, read_index
from comus_core.pipelines.verb_settings import HealthSettings
from comus_core.workspace import Workspace

PAGE_SIZE, CELL = 72, 170
MOST_REASONS = 200


def show(spec: str) -> None:
    """Draw it for the data set of that string, which the server may read."""
    place = page_data.workspace()
    try:
        report, index = stored_report(place, spec), _index(place, spec)
    except ComusError as fault:
        states.error(fault)
        return
    _check(place, spec, report)
    if index is None:
        if report is None:
            states.empty("Nothing to show yet", "The files of this data set are listed when they are checked.", "image")
        return
    if report is not None:
        _sizes(report, index)
    words = health_form.counts(report, len(index.ids))
    chosen = choices.segmented("Pictures", words, key="health_group")
    if report is not None and chosen != ALL:
        st.caption(health_form.meaning(chosen, report["limits"]))
    elif report is not None and len(words) == 1:
        st.caption("Nothing odd was found: every file can be read, none is double, tiny, dark or blurry.")
    if chosen in ("unreadable", "notes") and report is not None:
        _reasons(health_form.reasons(report, chosen))
        return
    pictures = health_form.shown(report, index.ids, chosen)
    page = paged(len(pictures), key=f"health-{index.key}-{chosen}", page_size=PAGE_SIZE)
    with st.container(key="health_gallery"):
        st.html(gallery(index, pictures[page]))


def gallery(index: ImageIndex, pictures: Sequence[Shown]) -> str:
    """HTML of a grid of thumbnails, each a link to the picture at full size."""
    row_of = {image_id: row for row, image_id in enumerate(index.ids)}
    frames = colours(max((p.group for p in pictures), default=-1) + 1)
    found = [_figure(index, row_of[p.image_id], p, frames) for p in pictures if p.image_id in row_of]
    return f'<div class="comus-gallery" style="--cell:{CELL}px">{"".join(found)}</div>'


def table(report: Mapping[str, Any]) -> bytes:
    """CSV of all usable images: size, and the number of the group or the value that makes them suspicious."""
    known: dict[str, Mapping[str, Any]] = {
        f"{name}_group": {image: number for number, group in enumerate(report[name], 1) for image in group}
        for name in ("exact", "near")
    }
    known |= {name: {e["image"]: e["value"] for e in report[name]} for name in ("tiny", "dark", "blurry")}
    sizes = {"width": [width for _, width in report["sizes"]], "height": [height for height, _ in report["sizes"]]}
    found = {name: [of.get(image_id) for image_id in report["ids"]] for name, of in known.items()}
    return csv_bytes({"image": report["ids"], **sizes, **found}, bom=True)


def _index(place: Workspace, spec: str) -> ImageIndex | None:
    found = _listed(str(place.root), spec)
    if found is not None:
        return found
    try:
        return read_index(place, index_key(spec))
    except ComusError:
        return None


@st.cache_data(ttl=60, max_entries=8, show_spinner="Listing the files")
def _listed(_: str, spec: str) -> ImageIndex | None:
    return quick_index(page_data.workspace(), spec)


def _check(place: Workspace, spec: str, report: Mapping[str, Any] | None) -> None:
    """The button that has the images looked at, the job while it does, and when that was."""
    job = verb_form.last_job(place, "images", spec)
    if job is not None and job.state != "done":
        job_watch.show(job, key="health_progress", on_end=lambda _: _listed.clear())
    busy = job is not None and job.state in jobs.ACTIVE
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="health_head"):
        label = "Check the images" if report is None else "Check again"
        if st.button(label, key="health_start", icon=":material/health_and_safety:", disabled=busy, type=_kind(report)):
            try:
                verb_form.submit_verb(place, "images", spec, HealthSettings())
            except ComusError as fault:
                states.error(fault)
            else:
                st.rerun()
        if report is None:
            words = "Finds what cannot be read, is double, tiny, dark or blurry. Each picture is decoded once."
        else:
            when = job_words.ago(report["checked_at"], time.time())
            words = f"Checked {when}: {report['usable']:,} of {report['images']:,} files are usable."
        st.caption(words, width="content")
        if report is not None:
            st.space("stretch")
            st.page_link(navigation.page("new"), label="Start a run on them", icon=":material/add_circle:")
    if report is not None:
        states.truth_line(report.get("truth"))
    if report is None:
        st.code(verb_form.command(place, "images", spec, HealthSettings()), language="bash", wrap_lines=True)


def _kind(report: Mapping[str, Any] | None) -> Any:
    return "primary" if report is None else "secondary"


def _sizes(report: Mapping[str, Any], index: ImageIndex) -> None:
    with st.expander("Sizes and shapes", icon=":material/aspect_ratio:", key="health_sizes"):
        sizes = np.array(report["sizes"], np.int64).reshape(-1, 2)
        left, right = st.columns(2)
        with left:
            figures.show(size_figures.size_figure(sizes), key="health_size_figure", title="Image sizes", of_run=False)
        with right:
            figures.show(
                size_figures.aspect_figure(sizes), key="health_aspect_figure", title="Image shapes", of_run=False
            )
        st.download_button(
            "Table",
            lambda: table(report),
            f"images-{index.key}.csv",
            "text/csv",
            key="health_table",
            icon=":material/download:",
            help="CSV: each usable image with its size in pixels and what was found of it",
            on_click="ignore",
        )


def _reasons(files: Sequence[tuple[str, str]]) -> None:
    listed = "".join(
        f"<li><b>{html.escape(path)}</b>: {html.escape(words)}</li>" for path, words in files[:MOST_REASONS]
    )
    more = f"<li>and {len(files) - MOST_REASONS:,} more</li>" if len(files) > MOST_REASONS else ""
    st.html(f'<div class="comus-set-aside"><ul>{listed}{more}</ul></div>')


def _figure(index: ImageIndex, row: int, picture: Shown, frames: Sequence[str]) -> str:
    name, caption = html.escape(picture.image_id), html.escape(picture.caption)
    frame = f' style="--frame:{frames[picture.group]}"' if picture.group >= 0 else ""
    small, full = html.escape(image_url(index, row, 240)), html.escape(image_url(index, row))
    return (
        f'<figure{frame}><a href="{full}" target="_blank" rel="noopener" data-image="{name}" title="{name}">'
        f'<img src="{small}" loading="lazy" width="{CELL}" height="{CELL}" alt="{name}"></a>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
