"""Self-training on its page: what to ask, the job at work, the curve of its loss, the score of each round."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from app import job_words, navigation, run_form, state, training_form, view_data
from app.components import badge, choices, figures, job_card, states
from app.components.training_figures import loss_curve, round_bars
from app.training_form import PRESET_WORDS, Asked
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.jobs import Job
from comus_core.run_view import RunView
from comus_core.self_training import make_training
from comus_core.workspace.trainings import Training

EVERY = 1.0  # seconds between looks while a training is at work


def form(view: RunView) -> None:
    """The choices, what they cost and owe, and the button."""
    preset = choices.selected("Start from", PRESET_WORDS, key="training_preset", hidden=False)
    one, two = st.columns(2)
    with one:
        rounds = _number("Rounds", f"training_rounds_{preset}", make_training(preset).rounds, 1, 9)
    with two:
        seed = _number("Seed", "training_seed", 0, 0, 2**32 - 1)
    decided = view_data.decisions(view)
    own = st.toggle(
        "Another filter than the run's",
        value=bool(state.setting("training_own_filter", False)),
        key="training_own_filter_widget",
        on_change=state.on_change(
            "training_own_filter_widget", lambda on: state.set_setting("training_own_filter", bool(on))
        ),
        help=f"The first round learns from the core as decided in the run ({decided.filter_percent:g} %).",
    )
    percent = None
    if own:
        key = state.put("training_filter", float(state.setting("training_percent", decided.filter_percent)))
        keep = state.on_change(key, lambda value: state.set_setting("training_percent", float(value)))
        percent = float(st.slider("Filter", 0.0, 100.0, step=1.0, format="%g %%", key=key, on_change=keep))
    _before(view, Asked(preset, rounds, percent, seed))


def progress(view: RunView) -> None:
    """The last job of this run's training and what it has come to; refreshes itself while it works."""
    at_work = _is_at_work(view)
    st.fragment(_progress, run_every=EVERY if at_work else None, key="training_progress")(view, at_work)


def _progress(view: RunView, at_work_at_draw: bool) -> None:
    place = view_data.workspace()
    job = _last_job(view)
    if _is_at_work(view) != at_work_at_draw:
        st.rerun()  # it began or ended: the pace of looking follows
    if job is not None:
        job_card.show(job, None, time.time())
    trainings = place.trainings.of_run(view.run.id)
    if not trainings:
        if job is None:
            states.empty(
                "Not trained yet",
                "A segmenter learns from the core's pseudo-masks, labels all images, and a student learns from those.",
                "school",
            )
        return
    words = {training.id: _training_words(training) for training in trainings}
    chosen = choices.selected("Training", words, key=f"training_of_{view.run.id}") if len(trainings) > 1 else None
    training = next((t for t in trainings if t.id == chosen), trainings[0])
    _results(view, training)


def _results(view: RunView, training: Training) -> None:
    rounds = training.result.get("rounds", [])
    steps = view_data.workspace().trainings.steps(training.id)
    badge.show(training.result["supervision"], view.run.provenance.get("non_commercial", ()))
    if steps:
        st.markdown("**Loss**")
        figures.show(loss_curve(steps), key="training_loss")
    if any(entry["miou"] is not None for entry in rounds):
        st.markdown("**mIoU of each round**")
        figures.show(round_bars(rounds), key="training_rounds_figure")
        st.dataframe(rounds_table(rounds), key="training_table", hide_index=True)
        st.caption(f"Scored on {job_words.plain(job_words.dataset_words(str(training.result['dataset'])))}.")
    elif rounds:
        st.caption("Without ground truth there is no mIoU; the Image page shows what each round predicts.")
    if any(name.startswith("predictions-") for name in training.artifacts):
        st.page_link(
            navigation.page("image"),
            label="See teacher and student beside the pseudo-mask",
            icon=navigation.PAGES["image"].icon,
        )


def rounds_table(rounds: list[dict[str, object]]) -> pd.DataFrame:
    """A row a class, a column a round, IoU in percent; mIoU first."""
    scored = [entry for entry in rounds if entry["miou"] is not None]
    names = ["mIoU", *dict.fromkeys(name for entry in scored for name in entry["per_class"])]  # type: ignore[attr-defined]
    columns = {
        f"Round {entry['round']}": [
            round(float(value), 2)  # type: ignore[arg-type]
            for value in ({"mIoU": entry["miou"]} | entry["per_class"]).values()  # type: ignore[operator]
        ]
        for entry in scored
    }
    return pd.DataFrame({"Class": names, **columns})


def _before(view: RunView, wanted: Asked) -> None:
    try:
        found = training_form.preview(view_data.workspace(), view.run, wanted, len(view.image_ids))
    except ComusError as fault:
        states.error(fault)
        return
    badge.show(found.supervision, view.run.provenance.get("non_commercial", ()))
    st.metric("Time", f"≈ {job_words.about(found.cost.total)}", width="content")
    basis = "from an earlier training here" if found.cost.measured else "from arithmetic; the first training measures"
    st.caption(f"If no round can be reused; {basis}.")
    if found.missing is not None:
        st.markdown(f":material/download: **{found.missing.name}** is not on this machine: {found.missing.what}.")
        for command in run_form.how_to_get(found.missing):
            st.code(command, language="bash", wrap_lines=True)
    ready = found.missing is None and not _is_at_work(view)
    if st.button("Train", type="primary", icon=":material/school:", disabled=not ready, key="training_start"):
        try:
            training_form.start(view_data.workspace(), view.run, wanted)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    st.caption("The same from a terminal:")
    st.code(found.command, language="bash", wrap_lines=True)


def _number(label: str, name: str, default: int, least: int, most: int) -> int:
    key = state.put(f"{name}_widget", int(state.setting(name, default)))
    keep = state.on_change(key, lambda value: state.set_setting(name, int(value or default)))
    return int(st.number_input(label, least, most, step=1, key=key, on_change=keep) or default)


def _last_job(view: RunView) -> Job | None:
    found = [job for job in jobs.list_jobs(view_data.workspace()) if job.kind == "train"]
    return next((job for job in found if job.settings.get("run") == view.run.id), None)


def _is_at_work(view: RunView) -> bool:
    job = _last_job(view)
    return job is not None and job.state in jobs.ACTIVE


def _training_words(training: Training) -> str:
    settings = training.settings["training"]
    return f"{settings['backbone']}, {settings['rounds']} rounds, seed {training.settings['seed']} ({training.state})"
