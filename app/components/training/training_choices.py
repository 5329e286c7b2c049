"""The form of a training: preset, rounds, filter, data sets; its cost and supervision; and the button."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.components.shared import badge, choices, fields, page_data, states
from app.components.training import training_panel
from app.data import job_words
from app.forms import run_form, training_form
from app.forms.training_form import PRESET_WORDS, TrainingChoices
from comus_core.datasets.format import DatasetSummary
from comus_core.errors import ComusError
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.training import TrainingSettings, make_training

LATER, SCORED_ON = "training_images", "training_scored_on"  # names of the fields for data sets


def form(view: RunView) -> None:
    """The choices, their cost and supervision, and the button."""
    preset = choices.selected("Start from", PRESET_WORDS, key="training_preset", hidden=False)
    words = training_form.backbone_words(preset)
    backbone = choices.selected("Backbone", words, key=f"training_backbone_{preset}", hidden=False)
    defaults = make_training(preset)
    one, two, three = st.columns(3)
    with one:
        rounds = _number("Rounds", f"training_rounds_{preset}", defaults.rounds, 1, 9)
    with two:
        each = _number("Epochs", f"training_epochs_{preset}", defaults.epochs, 1, 999, _epochs_words(defaults))
    with three:
        seed = _number("Seed", "training_seed", 0, 0, 2**32 - 1)
    decided = page_data.decisions(view)
    own = fields.switch(
        "Use a different filter",
        "training_own_filter_widget",
        bool(state.setting("training_own_filter", False)),
        partial(state.set_setting, "training_own_filter"),
        help=f"By default the first round learns with the run's filter ({decided.filter_percent:g} %).",
    )
    percent = None
    if own:
        shown = float(state.setting("training_percent", decided.filter_percent))
        percent = fields.percent("Filter", "training_filter", shown, partial(state.set_setting, "training_percent"))
    (images, more), (scored_on, scored) = _datasets(rounds)
    if "" in (images, scored_on):
        return  # the error is beside the field
    if view.run.config.dataset in (images, scored_on):
        images, scored_on = (None if spec == view.run.config.dataset else spec for spec in (images, scored_on))
    own_backbone = backbone if backbone != defaults.network.backbone else None
    epochs = each if each != defaults.epochs else None
    chosen = TrainingChoices(preset, rounds, percent, seed, own_backbone, images, scored_on, epochs)
    _before(view, chosen, more if images else None, scored if scored_on else None)


def _datasets(rounds: int) -> tuple[tuple[str | None, int | None], tuple[str | None, int | None]]:
    """The data sets that later rounds learn from and that rounds are scored on, each with its number of images.

    None is the run's own data set, an empty string one that cannot be used.
    """
    typed = any(state.setting(name, "") for name in (LATER, SCORED_ON))
    with st.expander("Other data sets", expanded=typed, key="training_datasets"):
        st.caption("A folder, `voc:ROOT:SPLIT` or `coco:ROOT:SPLIT` on the server. Empty: the run's own images.")
        scored = _dataset("Evaluation data set", SCORED_ON, needs_truth=True)
        later = _dataset("Images for later rounds", LATER, needs_truth=False)
        if later[0] and rounds == 1:
            st.caption("One round learns from the run's own images only. Set rounds to 2 or more to use other images.")
            later = None, None
    return later, scored


def _dataset(label: str, name: str, *, needs_truth: bool) -> tuple[str | None, int | None]:
    shown, keep = str(state.setting(name, "")), partial(state.set_setting, name)
    typed = fields.text(label, f"{name}_field", shown, keep, placeholder="The run's own images")
    try:
        spec, summary = _summary(typed)
    except ComusError as fault:
        states.error(fault)
        return "", None
    if summary is not None:
        st.caption(_summary_words(summary, needs_truth))
    return spec, summary.images if summary else None


@st.cache_data(ttl=60, max_entries=32, show_spinner="Reading the folder")
def _summary(typed: str) -> tuple[str | None, DatasetSummary | None]:
    return training_form.dataset_of(typed, page_data.workspace())


def _summary_words(summary: DatasetSummary, needs_truth: bool) -> str:
    classes = f", {counted(summary.classes, 'class', 'classes')}" if summary.classes else ""
    if summary.labelled:
        return f"{counted(summary.images, 'image')} with ground truth{classes}"
    return counted(summary.images, "image") + (" without ground truth: there will be no score" if needs_truth else "")


def _before(view: RunView, chosen: TrainingChoices, later: int | None, scored: int | None) -> None:
    """What the training will cost, its supervision, and the button."""
    try:
        preview = training_form.preview(page_data.workspace(), view.run, chosen, len(view.image_ids), later, scored)
    except ComusError as fault:
        states.error(fault)
        return
    badge.show(preview.supervision, view.run.provenance.get("non_commercial", ()))
    with st.container(horizontal=True, gap="medium", key="training_cost"):
        st.metric("Time", f"≈ {job_words.about(preview.cost.total)}", width="content")
        st.metric("Memory", job_words.bytes_words(preview.cost.memory_bytes), width="content")
    measured = "measured in earlier trainings"
    basis = measured if preview.cost.measured else "calculated; the first training will measure"
    st.caption(f"If no round can be reused ({basis}).")
    if preview.missing is not None:
        st.markdown(f":material/download: **{preview.missing.name}** is not on this machine: {preview.missing.what}.")
        for command in run_form.how_to_get(preview.missing):
            st.code(command, language=None, wrap_lines=True)
    ready = preview.missing is None and not training_panel.is_at_work(view)
    if st.button("Train", type="primary", icon=":material/school:", disabled=not ready, key="training_start"):
        try:
            training_form.start(page_data.workspace(), view.run, chosen)
        except ComusError as fault:
            states.error(fault)
        else:
            training_panel.forget_choice(view)
            st.rerun()
    st.caption("Equivalent command:")
    st.code(preview.command, language=None, wrap_lines=True)


def _epochs_words(defaults: TrainingSettings) -> str:
    first, later = defaults.epochs, defaults.later_epochs
    return (
        "Per round." if first == later else f"Per round. Preset: {first} for the first round, {later} for later ones."
    )


def _number(label: str, name: str, default: int, least: int, most: int, words: str | None = None) -> int:
    shown = int(state.setting(name, default))

    def keep(value: int | None) -> None:
        state.set_setting(name, default if value is None else int(value))

    return int(fields.number(label, f"{name}_widget", shown, keep, least=least, most=most, step=1, help=words))
