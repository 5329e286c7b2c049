"""What to ask of a training: preset, rounds, filter, data sets; what it costs and owes; and the button."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.components.shared import badge, choices, fields, page_data, states
from app.components.training import training_panel
from app.data import job_words
from app.forms import run_form, training_form
from app.forms.training_form import PRESET_WORDS, Asked
from comus_core.datasets.format import DatasetSummary
from comus_core.errors import ComusError
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.training import TrainingSettings, make_training

LATER, SCORED_ON = "training_images", "training_scored_on"  # names of the fields for data sets


def form(view: RunView) -> None:
    """The choices, what they cost and owe, and the button."""
    preset = choices.selected("Start from", PRESET_WORDS, key="training_preset", hidden=False)
    words = training_form.backbone_words(preset)
    backbone = choices.selected("Backbone", words, key=f"training_backbone_{preset}", hidden=False)
    usual = make_training(preset)
    one, two, three = st.columns(3)
    with one:
        rounds = _number("Rounds", f"training_rounds_{preset}", usual.rounds, 1, 9)
    with two:
        each = _number("Epochs", f"training_epochs_{preset}", usual.epochs, 1, 999, _epochs_words(usual))
    with three:
        seed = _number("Seed", "training_seed", 0, 0, 2**32 - 1)
    decided = page_data.decisions(view)
    own = fields.switch(
        "Another filter than the run's",
        "training_own_filter_widget",
        bool(state.setting("training_own_filter", False)),
        partial(state.set_setting, "training_own_filter"),
        help=f"The first round learns from the core as decided in the run ({decided.filter_percent:g} %).",
    )
    percent = None
    if own:
        shown = float(state.setting("training_percent", decided.filter_percent))
        percent = fields.percent("Filter", "training_filter", shown, partial(state.set_setting, "training_percent"))
    (images, more), (scored_on, scored) = _datasets(rounds)
    if "" in (images, scored_on):
        return  # what is wrong was said beside the field
    if view.run.config.dataset in (images, scored_on):
        images, scored_on = (None if spec == view.run.config.dataset else spec for spec in (images, scored_on))
    changed = backbone if backbone != usual.backbone else None
    epochs = each if each != usual.epochs else None
    wanted = Asked(preset, rounds, percent, seed, changed, images, scored_on, epochs)
    _before(view, wanted, more if images else None, scored if scored_on else None)


def _datasets(rounds: int) -> tuple[tuple[str | None, int | None], tuple[str | None, int | None]]:
    """What later rounds learn from and what rounds are scored on, and how many images that is.

    None is the run's own data set, an empty string one that cannot be used.
    """
    typed = any(state.setting(name, "") for name in (LATER, SCORED_ON))
    with st.expander("Other images", expanded=typed, key="training_datasets"):
        st.caption("A folder, `voc:ROOT:SPLIT` or `coco:ROOT:SPLIT` on the server; empty for the run's own images.")
        scored = _dataset("Rounds are scored on", SCORED_ON, needs_truth=True)
        later = _dataset("Rounds after the first learn from", LATER, needs_truth=False)
        if later[0] and rounds == 1:
            st.caption("One round learns from the run's own images alone: ask for two.")
            later = None, None
    return later, scored


def _dataset(label: str, name: str, *, needs_truth: bool) -> tuple[str | None, int | None]:
    shown, keep = str(state.setting(name, "")), partial(state.set_setting, name)
    typed = fields.text(label, f"{name}_field", shown, keep, placeholder="the run's own images")
    try:
        spec, seen = _look(typed)
    except ComusError as fault:
        states.error(fault)
        return "", None
    if seen is not None:
        st.caption(_seen_words(seen, needs_truth))
    return spec, seen.images if seen else None


@st.cache_data(ttl=60, max_entries=32, show_spinner="Looking at the folder")
def _look(typed: str) -> tuple[str | None, DatasetSummary | None]:
    return training_form.dataset_of(typed, page_data.workspace())


def _seen_words(seen: DatasetSummary, needs_truth: bool) -> str:
    classes = f", {counted(seen.classes, 'class', 'classes')}" if seen.classes else ""
    if seen.labelled:
        return f"{counted(seen.images, 'image')} with ground truth{classes}"
    return counted(seen.images, "image") + (" without ground truth: there will be no score" if needs_truth else "")


def _before(view: RunView, wanted: Asked, later: int | None, scored: int | None) -> None:
    """What the training will cost and owe, and the button."""
    try:
        found = training_form.preview(page_data.workspace(), view.run, wanted, len(view.image_ids), later, scored)
    except ComusError as fault:
        states.error(fault)
        return
    badge.show(found.supervision, view.run.provenance.get("non_commercial", ()))
    with st.container(horizontal=True, gap="medium", key="training_cost"):
        st.metric("Time", f"≈ {job_words.about(found.cost.total)}", width="content")
        st.metric("Memory", job_words.bytes_words(found.cost.memory_bytes), width="content")
    basis = "from an earlier training here" if found.cost.measured else "from arithmetic; the first training measures"
    st.caption(f"If no round can be reused; {basis}.")
    if found.missing is not None:
        st.markdown(f":material/download: **{found.missing.name}** is not on this machine: {found.missing.what}.")
        for command in run_form.how_to_get(found.missing):
            st.code(command, language="bash", wrap_lines=True)
    ready = found.missing is None and not training_panel.is_at_work(view)
    if st.button("Train", type="primary", icon=":material/school:", disabled=not ready, key="training_start"):
        try:
            training_form.start(page_data.workspace(), view.run, wanted)
        except ComusError as fault:
            states.error(fault)
        else:
            training_panel.forget_choice(view)
            st.rerun()
    st.caption("The same from a terminal:")
    st.code(found.command, language="bash", wrap_lines=True)


def _epochs_words(usual: TrainingSettings) -> str:
    first, later = usual.epochs, usual.later_epochs
    return "Of every round." if first == later else f"Of every round; left at {first}, later rounds take {later}."


def _number(label: str, name: str, default: int, least: int, most: int, words: str | None = None) -> int:
    shown = int(state.setting(name, default))

    def keep(value: int | None) -> None:
        state.set_setting(name, default if value is None else int(value))

    return int(fields.number(label, f"{name}_widget", shown, keep, least=least, most=most, step=1, help=words))
