"""The images of a data set: their health, the images of each problem, and their sizes."""

from __future__ import annotations

import html
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st

from app import state
from app.components.datasets import excluded_panel, listed_images
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
from comus_core.pipelines.image_index import ImageIndex
from comus_core.pipelines.verb_settings import HealthSettings
from comus_core.workspace import Workspace

PAGE_SIZE, CELL = 72, 170
MOST_REASONS = 200
EXCLUDED = "excluded"  # a group beside those of the report


def show(spec: str) -> None:
    """Draw it for the data set of that string, which the server may read."""
    workspace = page_data.workspace()
    try:
        report, index = stored_report(workspace, spec), listed_images.index_of(spec)
    except ComusError as fault:
        states.error(fault)
        return
    _check(workspace, spec, report)
    if index is None:
        if report is None:
            states.empty("Nothing to show yet", "Check the images to list the files of this data set.", "image")
        return
    if report is not None:
        _sizes(report, index)
    known = set(index.ids)
    excluded = [i for i in workspace.exclusions.read(spec).images if i in known]
    counts = health_form.counts(report, len(index.ids))
    counts |= {EXCLUDED: f"Excluded {len(excluded):,}"} if excluded else {}
    group = choices.segmented("Images", counts, key="health_group")
    if report is not None and group not in (ALL, EXCLUDED):
        st.caption(health_form.meaning(group, report["limits"]))
    elif report is not None and len(counts) == 1:
        st.caption("No problems found: every file can be read, and none is a duplicate, tiny, dark or blurry.")
    if group in ("unreadable", "notes") and report is not None:
        _reasons(health_form.reasons(report, group))
        return
    listed = excluded if group == EXCLUDED else index.ids
    images = health_form.shown(report, listed, ALL if group == EXCLUDED else group)
    excluded_panel.actions(spec, report, group, [image.image_id for image in images])
    page = paged(len(images), key=f"health-{index.key}-{group}", page_size=PAGE_SIZE)
    with st.container(key="health_gallery"):
        st.html(gallery(index, images[page], excluded))


def gallery(index: ImageIndex, images: Sequence[Shown], excluded: Collection[str] = ()) -> str:
    """HTML of a grid of thumbnails, each a link to the full-size image, with a tick where it is excluded."""
    gone = set(excluded)
    row_of = {image_id: row for row, image_id in enumerate(index.ids)}
    frames = colours(max((p.group for p in images), default=-1) + 1)
    cells = [_figure(index, row_of[p.image_id], p, frames, p.image_id in gone) for p in images if p.image_id in row_of]
    return f'<div class="comus-gallery" style="--cell:{CELL}px">{"".join(cells)}</div>'


def table(report: Mapping[str, Any]) -> bytes:
    """CSV of all usable images: size, and the number of the group or the value that makes them suspicious."""
    problems: dict[str, Mapping[str, Any]] = {
        f"{name}_group": {image: number for number, group in enumerate(report[name], 1) for image in group}
        for name in ("exact", "near")
    }
    problems |= {name: {e["image"]: e["value"] for e in report[name]} for name in ("tiny", "dark", "blurry")}
    sizes = {"width": [width for _, width in report["sizes"]], "height": [height for height, _ in report["sizes"]]}
    columns = {name: [of.get(image_id) for image_id in report["ids"]] for name, of in problems.items()}
    return csv_bytes({"image": report["ids"], **sizes, **columns}, bom=True)


def _check(workspace: Workspace, spec: str, report: Mapping[str, Any] | None) -> None:
    """The button that starts a check, the job while it runs, and when the last check was."""
    job = verb_form.last_job(workspace, "images", spec)
    if job is not None and job.state != "done":
        job_watch.show(job, key="health_progress", on_end=lambda _: listed_images.listed.clear())
    busy = job is not None and job.state in jobs.ACTIVE
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="health_head"):
        label = "Check the images" if report is None else "Check again"
        if st.button(label, key="health_start", icon=":material/health_and_safety:", disabled=busy, type=_kind(report)):
            try:
                verb_form.submit_verb(workspace, "images", spec, HealthSettings())
            except ComusError as fault:
                states.error(fault)
            else:
                st.rerun()
        if report is None:
            words = "Finds unreadable files, duplicates, and tiny, dark or blurry images. Each image is decoded once."
        else:
            when = job_words.ago(report["checked_at"], time.time())
            words = f"Checked {when}: {report['usable']:,} of {report['images']:,} files are usable."
        st.caption(words, width="content")
        if report is not None:
            st.space("stretch")
            st.page_link(
                navigation.page("new"),
                label="Start a run",
                icon=":material/add_circle:",
                query_params={state.DATA: spec},
            )
    if report is not None:
        states.truth_line(report.get("truth"))
    if report is None:
        st.caption("Equivalent command:")
        st.code(verb_form.command(workspace, "images", spec, HealthSettings()), language=None, wrap_lines=True)


def _kind(report: Mapping[str, Any] | None) -> Literal["primary", "secondary"]:
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
            help="CSV: every usable image with its size in pixels and its problems",
            on_click="ignore",
        )


def _reasons(files: Sequence[tuple[str, str]]) -> None:
    listed = "".join(
        f"<li><b>{html.escape(path)}</b>: {html.escape(words)}</li>" for path, words in files[:MOST_REASONS]
    )
    more = f"<li>and {len(files) - MOST_REASONS:,} more</li>" if len(files) > MOST_REASONS else ""
    st.html(f'<div class="comus-set-aside"><ul>{listed}{more}</ul></div>')


def _figure(index: ImageIndex, row: int, image: Shown, frames: Sequence[str], excluded: bool) -> str:
    name, caption = html.escape(image.image_id), html.escape(image.caption)
    frame = f' style="--frame:{frames[image.group]}"' if image.group >= 0 else ""
    small, full = html.escape(image_url(index, row, 240)), html.escape(image_url(index, row))
    return (
        f'<figure{frame}><a href="{full}" target="_blank" rel="noopener" data-image="{name}" title="{name}">'
        f'<img src="{small}" loading="lazy" width="{CELL}" height="{CELL}" alt="{name}"></a>'
        f"<figcaption>{caption}</figcaption>{excluded_panel.tick(name, excluded)}</figure>"
    )
