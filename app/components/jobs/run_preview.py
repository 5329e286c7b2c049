"""What a run will cost and owe before it starts, the command that does the same, and the button."""

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
from comus_core.weights import WeightFile


def show(picked: Picked | None, values: Values, roots: tuple[Path, ...]) -> None:
    """Draw it; the button queues the job and leads to its progress."""
    st.header("Before it starts", anchor=False)
    if picked is None:
        st.caption("Choose the images first.")
        _button(None)
        return
    device = run_settings.device()
    try:
        config = run_form.config_of(picked.spec, values, roots)
        found = run_form.preview(page_data.workspace(), config, picked.seen, device)
    except ComusError as fault:
        states.error(fault)
        _button(None)
        return
    _provenance(found, picked)
    _cost(found)
    for file in found.missing:
        _missing(file)
    _button(found, device)
    st.caption("The same from a terminal:")
    st.code(found.command, language="bash", wrap_lines=True)


def _provenance(found: Preview, picked: Picked) -> None:
    networks = networks_words(to_dict(found.chosen))
    st.markdown(f"**{plain(networks)}** on {run_form.given_device(run_settings.device())}")
    with st.container(horizontal=True, gap="small", key="new_badges"):
        badge.show(found.supervision["supervision"], found.supervision["non_commercial"])
        if picked.seen.synthetic:
            badge.synthetic()


def _cost(found: Preview) -> None:
    with st.container(horizontal=True, gap="medium", key="new_cost"):
        st.metric("Time", f"≈ {job_words.about(found.cost.total)}", width="content")
        st.metric("Disk", job_words.bytes_words(found.cost.disk_bytes), width="content")
        st.metric("Memory", job_words.bytes_words(found.cost.memory_bytes), width="content")
    basis = "from the speeds of earlier runs here" if found.cost.measured else "from arithmetic; the first run measures"
    st.caption(f"If nothing can be reused; {basis}.")
    st.caption(" · ".join(f"{words} {job_words.about(seconds)}" for words, seconds in run_form.stage_costs(found.cost)))
    if found.cost.disk_bytes > found.free_bytes:
        st.warning(f"Only {job_words.bytes_words(found.free_bytes)} of disk are free.", icon=":material/hard_drive:")


def _missing(file: WeightFile) -> None:
    with st.container(border=True, key=f"new_missing_{file.name}"):
        st.markdown(
            f":material/download: **{file.name}** is not on this machine: {file.what}. Licence: {file.licence}."
        )
        fetched, copied = run_form.how_to_get(file)
        st.code(fetched, language="bash", wrap_lines=True)
        st.caption(f"Or get {file.filename} from {file.source}, then:")
        st.code(copied, language="bash", wrap_lines=True)


def _button(found: Preview | None, device: str = "auto") -> None:
    ready = found is not None and not found.missing
    icon = ":material/play_arrow:"
    if st.button("Start", type="primary", icon=icon, disabled=not ready, width="stretch", key="new_start") and ready:
        try:
            job = run_form.start(page_data.workspace(), found.config, device)
        except ComusError as fault:
            states.error(fault)
        else:
            navigation.go("jobs", job=str(job.id))
