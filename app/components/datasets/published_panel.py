"""The published data sets: what of each lies in a folder, its download and check, and the ways to use it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app import state
from app.components.datasets import folder_picker
from app.components.shared import choices, job_watch, navigation, page_data, states
from app.data import job_words
from app.data.plain_text import plain, sentence
from app.forms import published_form
from comus_core import jobs
from comus_core.datasets.allowed_folders import allowed, image_roots
from comus_core.datasets.published import PUBLISHED
from comus_core.datasets.published_state import specs_in
from comus_core.errors import ComusError
from comus_core.pipelines.published_datasets import stored_check
from comus_core.text import size

FOLDER, NAMED = "datasets_folder", "datasets_folder_named"  # the choice, and what of it the address names
Colour = Literal["blue", "orange", "green", "gray"]
BADGES: dict[str, tuple[str, Colour, str]] = {
    "absent": ("not there", "gray", "cloud_download"),
    "running": ("downloading", "blue", "progress_activity"),
    "partial": ("in part", "orange", "hourglass_bottom"),
    "half": ("not complete", "orange", "warning"),
    "complete": ("complete", "green", "check_circle"),
}
LABELS = {"absent": "Download {}", "partial": "Continue the download of {}", "half": "Download and complete {}"}


def show() -> None:
    """Draw the folder, and a card a data set."""
    workspace = page_data.workspace()
    roots = image_roots(workspace.root)
    named = state.parameter(state.FOLDER)
    if named and named != state.setting(NAMED, ""):  # the address has changed: a link, Back, a reload
        state.set_setting(FOLDER, named)
    elif not state.setting(FOLDER, ""):
        state.set_setting(FOLDER, published_form.first_folder(workspace, roots))
    st.caption(
        "The data sets of the paper's tables. They are downloaded to a folder of the server, checked against their "
        "published checksums, and unpacked there."
    )
    path = folder_picker.show("Folder on the server", roots, key=FOLDER)
    state.set_setting(NAMED, path)
    state.set_parameter(state.FOLDER, path)
    try:
        folder = allowed(path, roots)
        rows = _rows(str(folder))
    except ComusError as fault:
        states.error(fault)
        return
    for row in rows:
        _card(row, folder)


@st.cache_data(ttl=15, max_entries=8, show_spinner="Reading the folder")
def _rows(folder: str) -> list[dict[str, Any]]:
    return published_form.rows(page_data.workspace(), Path(folder))


def _card(row: Mapping[str, Any], folder: Path) -> None:
    """A data set: its state, its buttons, the job at work on it, and the last check."""
    name, here = row["name"], row["here"]
    job = published_form.downloading(page_data.workspace(), name, folder)
    busy = job is not None and job.state in jobs.ACTIVE
    with st.container(border=True, gap="small", key=f"dataset_{name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"dataset_{name}_head"):
            st.header(name, anchor=False, width="content")
            words, colour, icon = BADGES["running" if busy else here["state"]]
            st.badge(words, color=colour, icon=f":material/{icon}:")
        st.markdown(_line(row["what"]))
        st.caption(_line(published_form.facts(row)))
        if here["message"] and not busy:
            st.caption(_line(here["message"]))
        spec = _split(row, folder)
        _buttons(row, folder, spec, busy=busy)
        if job is not None and job.state != "done":
            job_watch.show(job, key=f"dataset_{name}_job", on_end=lambda _: _rows.clear())
        _checked(name, spec)
        with st.expander("Source and equivalent command"):
            for archive in row["archives"]:
                proof = " ".join(archive["checksum"] or ("checksum not known here",))
                amount = f", {size(archive['n_bytes'])}" if archive["n_bytes"] is not None else ""
                st.caption(plain(f"{archive['url']}{amount}, {proof}"))
            settings = published_form.download_settings(row, folder)
            st.code(published_form.commands(page_data.workspace(), settings, spec), language=None, wrap_lines=True)


def _line(words: str) -> str:
    return sentence(f"{words[:1].upper()}{words[1:]}")


def _split(row: Mapping[str, Any], folder: Path) -> str:
    """The string of the split that is used; "" while none of its images are there."""
    specs = specs_in(PUBLISHED[row["name"]], folder)
    known = {split: f"{split} · {row['splits'][split]:,} images" for split in specs if row["here"]["images"][split]}
    if not known:
        return ""
    name = row["name"]
    return specs[choices.selected(f"Split of {name}", known, key=f"dataset_{name}_split", hidden=False, width=260)]


def _buttons(row: Mapping[str, Any], folder: Path, spec: str, *, busy: bool) -> None:
    name, here = row["name"], row["here"]["state"]
    workspace, run = page_data.workspace(), page_data.current_run()
    lacking = row["needs"] if row["needs"] and not _is_there(row["needs"], folder) else None
    if lacking:
        st.caption(f"Download {plain(lacking)} to this folder first: this adds to it.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"dataset_{name}_buttons"):
        if here != "complete" and st.button(
            LABELS[here].format(name),
            key=f"dataset_{name}_download",
            icon=":material/download:",
            type="primary" if here == "partial" else "secondary",
            disabled=busy or lacking is not None,
        ):
            _start(lambda: published_form.start_download(workspace, published_form.download_settings(row, folder)))
        if not spec:
            return
        check = published_form.last_check(workspace, [spec])
        checking = check is not None and check.state in jobs.ACTIVE
        if st.button(f"Check {name}", key=f"dataset_{name}_check", icon=":material/rule:", disabled=busy or checking):
            _start(lambda: published_form.start_check(workspace, spec))
        st.page_link(
            navigation.page("new"),
            label=f"Use {name} in Discover",
            icon=":material/add_circle:",
            query_params={state.DATA: spec},
        )
        if run is not None:
            st.page_link(
                navigation.page("scores"),
                label=f"Use {name} in Evaluate",
                icon=":material/bar_chart:",
                query_params={state.RUN: run.id, state.ON: spec},
            )


def _start(start: Any) -> None:
    try:
        start()
    except ComusError as fault:
        states.error(fault)
    else:
        _rows.clear()
        st.rerun()


def _is_there(name: str, folder: Path) -> bool:
    """Whether another data set is in the folder, as far as what adds to it needs it."""
    return any(row["name"] == name and any(row["here"]["images"].values()) for row in _rows(str(folder)))


def _checked(name: str, spec: str) -> None:
    """The check at work, or the last one: what is missing, and the classes."""
    if not spec:
        return
    workspace = page_data.workspace()
    job = published_form.last_check(workspace, [spec])
    if job is not None and job.state != "done":
        job_watch.show(job, key=f"dataset_{name}_check_job")
    try:
        found = stored_check(workspace, spec)
    except ComusError as fault:
        states.error(fault)
        return
    if found is not None:
        when = job_words.ago(found["checked_at"], time.time())
        words = "nothing missing" if found["complete"] else "not complete"
        with st.expander(f"Checked {when}: {words}", icon=f":material/{'check' if found['complete'] else 'warning'}:"):
            st.code("\n".join(found["lines"]), language=None, wrap_lines=True)
