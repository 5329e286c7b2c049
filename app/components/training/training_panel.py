"""A run's trainings on their page: the job at work, its curves and previews, the score of each round."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import pandas as pd
import streamlit as st

from app import state
from app.components.shared import badge, choices, figures, job_card, page_data, states
from app.components.shared.score_table import About, about_run, download
from app.components.training import training_strip
from app.components.training.training_figures import (
    Steps,
    loss_curve,
    preview_curve,
    rate_curve,
    round_bars,
    speed_curve,
)
from app.data import job_words, stage_use
from app.data.plain_text import plain
from app.forms import verb_form
from comus_core import jobs
from comus_core.errors import WorkspaceError
from comus_core.jobs import Job, eta_seconds
from comus_core.pipelines.training_cost import seconds_left
from comus_core.pipelines.training_record import settings_of
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.verbs.job_words import dataset_words
from comus_core.workspace.trainings import Preview, Training

EVERY = 2.0  # seconds between updates while a training is at work, on the cores that it works on
RECENT = 20  # steps that the pace is taken from


def choice(view: RunView) -> Training | None:
    """The training to show: the one last touched unless another is chosen; a list where there are several."""
    trainings = _trainings(view)
    if len(trainings) > 1:
        words = {training.id: _training_words(training) for training in trainings}
        chosen = choices.selected("Training", words, key=_choice_key(view))
        return next(training for training in trainings if training.id == chosen)
    return next(iter(trainings), None)


def forget_choice(view: RunView) -> None:
    """Show the training last touched again."""
    state.set_setting(_choice_key(view), None)


def progress(view: RunView, training: Training | None) -> None:
    """The last job of this run's trainings and what the training shown has come to; refreshes itself at work."""
    pace = EVERY if is_at_work(view) else None
    st.fragment(_progress, run_every=pace, key="training_progress")(view, training, _standing(view, training))


def strip(view: RunView, training: Training) -> None:
    """What the networks predicted for the example images, preview by preview; refreshes itself at work."""
    pace = EVERY if is_at_work(view) else None
    st.fragment(training_strip.show, run_every=pace, key="training_strip")(view, training.id)


def _progress(view: RunView, training: Training | None, drawn: tuple[bool, int, int]) -> None:
    job = _last_job(view)
    if _standing(view, training) != drawn:
        st.rerun()  # it began or ended, or a round did: how often this is updated, the list and what is below follow
    if job is not None:
        job_card.show(job, None, time.time())
    if training is not None:
        _results(view, page_data.workspace().trainings.get(training.id), job)
    elif job is None:
        states.empty(
            "Not trained yet",
            "A segmenter learns from the core's pseudo-masks and labels all images. A student learns from those.",
            "school",
        )


def _results(view: RunView, training: Training, job: Job | None) -> None:
    rounds = training.result.get("rounds", [])
    table = page_data.workspace().trainings
    steps, previews = table.steps(training.id), table.previews(training)
    badge.show(training.result["supervision"], view.run.provenance.get("non_commercial", ()))
    if moved := training.result.get("moved"):
        st.caption(
            f"Small collection: training regrouped the clusters, which moved {100 * moved:.0f} % of the proposals. "
            "Clusters that you change yourself are not regrouped."
        )
    if job is not None and training.state == "running" and job.state in jobs.ACTIVE:
        _pace(view, training, job, steps)
    about = about_run(view.run, supervision=training.result["supervision"])
    _curves(steps, previews, training, about)
    if any(entry["miou"] is not None for entry in rounds):
        one, two = st.columns(2)
        with one:
            st.markdown("**mIoU of each round**")
            figures.show(round_bars(rounds), key="training_rounds_figure", title="mIoU of each round", said=about)
        with two:
            st.markdown("**IoU of each class, in percent**")
            table = rounds_table(rounds)
            digits = {name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[1:]}
            st.dataframe(table, key="training_table", hide_index=True, height=230, column_config=digits)
            download(table, about, name="rounds", key="download_rounds", type="tertiary")
        st.caption(f"Scored on {plain(dataset_words(str(training.result['dataset'])))}.")
    elif rounds:
        st.caption("No mIoU, since there is no ground truth. Below, each round is beside the pseudo-mask.")
    if line := stage_use.rounds_line(training.result):
        st.caption(line)


def _pace(view: RunView, training: Training, job: Job, steps: Steps) -> None:
    """Where the training stands now: loss, speed, and how long the training of all rounds will still take."""
    number = max(steps, default=0)
    if not number or job.stage != f"round {number}":
        return
    recent = steps[number][-RECENT:]
    speed = median(record["images_per_second"] for record in recent)
    settings = settings_of(training)
    left = eta_seconds(job, time.time())
    with st.container(horizontal=True, gap="large", key="training_pace"):
        st.metric("Round", f"{number} of {settings.training.rounds}", width="content")
        st.metric("Loss", f"{sum(record['loss'] for record in recent) / len(recent):.3f}", width="content")
        st.metric("Images/s", f"{speed:.1f}", width="content")
        if left is not None:
            later = len(view.image_ids) if settings.images is None else None
            total = seconds_left(settings.training, number, left, later, speed)
            words = f"≈ {job_words.about(total)}" if total is not None else f"≈ {job_words.about(left)} in this round"
            st.metric("Training left", words, width="content")


def _curves(steps: Steps, previews: Sequence[Preview], training: Training, about: About) -> None:
    if not steps:
        return
    every = settings_of(training).training.preview_every
    one, two = st.columns(2)
    with one:
        st.markdown("**Loss**")
        figures.show(loss_curve(steps), key="training_loss", title="Loss", said=about)
    scored = [preview for preview in previews if preview.miou is not None]
    with two:
        st.markdown("**mIoU while training**")
        if scored:
            figures.show(
                preview_curve(steps, previews), key="training_previews", title="mIoU while training", said=about
            )
            st.caption(
                f"Matched and scored on {counted(scored[-1].images, 'image')}; the rounds below are scored on all."
            )
        elif not every:
            st.caption("This training has no previews (`preview_every` is 0).")
        elif training.result["rounds"] and training.result["rounds"][0]["miou"] is None:
            st.caption("No mIoU, since there is no ground truth. The examples below show the predictions.")
        else:
            st.caption(f"The first preview comes at step {every}.")
    one, two = st.columns(2)
    with one:
        st.markdown("**Learning rate**")
        figures.show(rate_curve(steps), key="training_rate", title="Learning rate", said=about)
    with two:
        st.markdown("**Images per second**")
        figures.show(speed_curve(steps), key="training_speed", title="Images per second", said=about)


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


def is_at_work(view: RunView) -> bool:
    """Whether a job trains on this run's pseudo-masks, or waits to."""
    job = _last_job(view)
    return job is not None and job.state in jobs.ACTIVE


def _standing(view: RunView, training: Training | None) -> tuple[bool, int, int]:
    """What decides how the whole page is drawn: a job at work, how many trainings, how much of the one shown."""
    trainings = _trainings(view)
    shown = next((t for t in trainings if training is not None and t.id == training.id), None)
    return is_at_work(view), len(trainings), len(shown.artifacts) if shown else 0


def _trainings(view: RunView) -> list[Training]:
    """The run's trainings, but for those whose settings another version of the program wrote."""
    return [training for training in page_data.workspace().trainings.of_run(view.run.id) if _is_readable(training)]


def _is_readable(training: Training) -> bool:
    try:
        settings_of(training)
    except WorkspaceError:
        return False
    return True


def _choice_key(view: RunView) -> str:
    return f"training_of_{view.run.id}"


def _last_job(view: RunView) -> Job | None:
    return verb_form.last_job(page_data.workspace(), "train", view.run)


def _training_words(training: Training) -> str:
    settings = settings_of(training)
    rounds = counted(settings.training.rounds, "round")
    return f"{settings.training.network.backbone}, {rounds}, seed {settings.seed} ({training.state})"
