"""Predicting new images with a round of a run, as a job. No Streamlit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO

from app.data.round_data import rounds_of_run
from app.forms import verb_form
from app.forms.verb_form import submit_verb
from comus_core.features.encoders import own_vectors
from comus_core.jobs import Job
from comus_core.pipelines.prediction_folder import PHOTOGRAPHS, new_prediction
from comus_core.pipelines.verb_settings import PredictSettings
from comus_core.runs.run_round import find_round
from comus_core.workspace import Run, Workspace

CLUSTERS = 0
ROUND_WORDS = {CLUSTERS: "Clusters (round 0)", 1: "Teacher (round 1)", 2: "Student (round 2)"}


def rounds(workspace: Workspace, run: Run) -> dict[int, str]:
    """Rounds that can predict, the last first, and what they are called."""
    trainings = [t for t in workspace.trainings.of_run(run.id) if "categories" in t.result]  # older ones know none
    names = {name for training in trainings for name in training.artifacts}
    trained = {int(name.removeprefix("network-")) for name in names if name.startswith("network-")}
    known = trained if own_vectors(run.config.features.encoder) else trained | {CLUSTERS}
    return {number: ROUND_WORDS.get(number, f"Round {number}") for number in sorted(known, reverse=True)}


def start(workspace: Workspace, run: Run, number: int, files: Iterable[tuple[str, IO[bytes]]]) -> Job:
    """Keep the photographs and queue their prediction.

    Raises:
        ComusError: no photograph or too many, the disk is full, or the supervisor does not start.
    """
    folder = new_prediction(workspace, run.id, files)
    images = tuple(str(path) for path in sorted((folder / PHOTOGRAPHS).iterdir()))
    settings = PredictSettings(images, str(folder))
    return submit_verb(workspace, "predict", find_round(workspace, run.id, number), settings)


def last_job(workspace: Workspace, run: Run) -> Job | None:
    """The newest prediction that was asked of a round of this run, or None."""
    return verb_form.last_job(workspace, "predict", *rounds_of_run(workspace, run))


def name_of(job: Job) -> str:
    """The name of the prediction that a job makes."""
    return Path(str(job.settings["out"])).name


def command_line(workspace: Workspace, run: Run, number: int) -> str:
    """The command that does the same with a folder."""
    settings = PredictSettings(("photographs",), "predicted")
    return verb_form.command(workspace, "predict", find_round(workspace, run.id, number), settings)
