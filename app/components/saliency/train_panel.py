"""A detector trained on the images of a data set: a few choices, the job, and the detectors that came out."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.components.saliency.side_by_side import use
from app.components.shared import fields, job_watch, page_data, states
from app.data.plain_text import code
from app.forms import saliency_form, setting_help
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.saliency.trained.recipe import NetworkSettings, SaliencyRecipe

CHOICES = "own_detector_choices"
FIELDS = {
    "images": ("Images at most", 16, None),
    saliency_form.EPOCHS: ("Epochs", 1, 999),
    "seed": ("Seed", 0, 2**32 - 1),
}
MOST = 8  # detectors listed


def show(spec: str) -> None:
    """Draw it for the data set of that string, which the server may read."""
    workspace = page_data.workspace()
    st.caption(
        "Trains a small network on these images alone: no label, no mask, and no network that had one. It starts from "
        "classical saliency priors, refines them, and learns first of all where they agree. At least 16 images."
    )
    chosen = _choices()
    job = saliency_form.last_job(workspace, "saliency-train", spec)
    busy = job is not None and job.state in jobs.ACTIVE
    if st.button("Train a detector", key="own_start", icon=":material/school:", type="primary", disabled=busy):
        try:
            saliency_form.start_training(workspace, spec, chosen)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    if job is not None and job.state != "done":
        job_watch.show(job, key="own_progress")
    _detectors(spec)
    with st.expander("Equivalent command"):
        try:
            st.code(saliency_form.train_command(workspace, spec, chosen), language=None, wrap_lines=True)
        except ComusError as fault:
            states.error(fault)


def _choices() -> dict[str, int]:
    """The settings of the recipe that differ from its defaults."""
    defaults = saliency_form.recipe_values()
    chosen: dict[str, int] = state.setting(CHOICES, {})
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="own_choices"):
        for name, (label, least, most) in FIELDS.items():
            fields.number(
                *(label, f"own_{name.replace('.', '_')}", chosen.get(name, defaults[name]), partial(_keep, name)),
                least=least,
                most=most,
                step=1,
                width=230,
                help=setting_help.words(name, NetworkSettings if name == saliency_form.EPOCHS else SaliencyRecipe),
            )
    return chosen


def _keep(name: str, value: int | None) -> None:
    """Remember a value; an empty field and the default are the default."""
    rest = {other: kept for other, kept in state.setting(CHOICES, {}).items() if other != name}
    own = value is not None and value != saliency_form.recipe_values()[name]
    state.set_setting(CHOICES, rest | ({name: int(value)} if own and value is not None else {}))


def _detectors(spec: str) -> None:
    """Those that were trained here, each with the way to use it."""
    own = saliency_form.own_detectors(page_data.workspace())
    if not own:
        states.empty("No detector trained yet", "A trained detector is listed here, ready to be used.", "school")
        return
    st.subheader("Trained detectors", anchor=False)
    for number, (detector, facts) in enumerate(list(own.items())[:MOST]):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", border=True, key=f"own_detector_{number}"
        ):
            st.markdown(f"**{code(saliency_form.short_name(detector))}**", width="content")
            st.caption(facts, width="content")
            st.space("stretch")
            if st.button("Use in Discover", key=f"own_use_{number}", icon=":material/add_circle:"):
                use(spec, {"saliency.detector": detector})
    if len(own) > MOST:
        st.caption(f"The {MOST} newest of {len(own):,}.")
