"""The cost and supervision of a run before it starts, the equivalent command, and the button."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.components.datasets.dataset_picker import Picked
from app.components.jobs import run_settings
from app.components.shared import badge, navigation, page_data, states
from app.data import job_words
from app.data.plain_text import plain
from app.forms import run_form
from app.forms.run_form import Preview, Values
from comus_core.errors import ComusError
from comus_core.settings import to_dict
from comus_core.verbs.job_words import networks_words
from comus_core.weights.registry import WeightFile


def show(picked: Picked | None, values: Values, roots: tuple[Path, ...]) -> None:
    """Draw it; the button queues the job and leads to its progress."""
    st.header("Preview", anchor=False)
    if picked is None:
        st.caption("Choose the images first.")
        _button(None)
        return
    device, compute = run_settings.device(), run_settings.compute()
    try:
        config = run_form.config_of(picked.spec, values, roots, picked.exclude, picked.only)
        preview = run_form.preview(page_data.workspace(), config, picked.seen, device, compute)
    except ComusError as fault:
        states.error(fault)
        _button(None)
        return
    _provenance(preview, picked)
    _cost(preview)
    for file in preview.missing:
        _missing(file)
    _button(preview, device, compute)
    with st.expander("Details and command", key="new_details"):
        _details(preview)


def _details(preview: Preview) -> None:
    networks = networks_words(to_dict(preview.chosen))
    st.markdown(f"**{plain(networks)}** on {run_form.given_device(run_settings.device())}")
    stages = [f"{words} {job_words.about(seconds)}" for words, seconds in run_form.stage_costs(preview.cost)]
    basis = "based on earlier runs here" if preview.cost.measured else "based on defaults until a first run is measured"
    st.caption(f"The time assumes that nothing can be reused; {basis}.")
    st.caption(" · ".join(stages))
    st.caption("Equivalent command:")
    st.code(preview.command, language=None, wrap_lines=True)
    if run_form.needs_file(preview.config):
        st.download_button(
            "Settings",
            run_form.settings_file(preview.config),
            run_form.SETTINGS_FILE,
            "application/json",
            key="new_settings_file",
            icon=":material/download:",
            help="The settings with the names of the images chosen, for the command above",
            on_click="ignore",
        )


def _provenance(preview: Preview, picked: Picked) -> None:
    with st.container(horizontal=True, gap="small", key="new_badges"):
        badge.show(preview.supervision["supervision"], preview.supervision["non_commercial"])
        if picked.seen.synthetic:
            badge.synthetic()


def _cost(preview: Preview) -> None:
    with st.container(horizontal=True, gap="medium", key="new_cost"):
        st.metric("Time", f"≈ {job_words.about(preview.cost.total)}", width="content")
        st.metric("Disk", job_words.bytes_words(preview.cost.disk_bytes), width="content")
        st.metric("Memory", job_words.bytes_words(preview.cost.memory_bytes), width="content")
    if preview.cost.disk_bytes > preview.free_bytes:
        st.warning(
            f"Only {job_words.bytes_words(preview.free_bytes)} of disk space is free.", icon=":material/hard_drive:"
        )


def _missing(file: WeightFile) -> None:
    with st.container(border=True, key=f"new_missing_{file.name}"):
        st.markdown(
            f":material/download: **{file.name}** is not on this machine: {file.what}. Licence: {file.licence}."
        )
        fetched, copied = run_form.how_to_get(file)
        st.code(fetched, language=None, wrap_lines=True)
        st.caption(f"Or download {file.filename} from {file.source}, then:")
        st.code(copied, language=None, wrap_lines=True)


def _button(preview: Preview | None, device: str = "auto", compute: str = "local") -> None:
    config = preview.config if preview is not None and not preview.missing else None
    disabled, icon = config is None, ":material/play_arrow:"
    pressed = st.button("Start", type="primary", icon=icon, disabled=disabled, width="stretch", key="new_start")
    if pressed and config is not None:
        try:
            job = run_form.start(page_data.workspace(), config, device, compute)
        except ComusError as fault:
            states.error(fault)
        else:
            navigation.go("jobs", job=str(job.id))
