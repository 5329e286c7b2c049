"""Packaging a trained round for other programs, as a job. No Streamlit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.forms import verb_form
from app.forms.predict_form import ROUND_WORDS
from app.forms.verb_form import submit_verb
from comus_core import jobs
from comus_core.jobs import Job
from comus_core.pipelines.package_folder import new_package
from comus_core.pipelines.verb_settings import PackageSettings
from comus_core.runs.run_round import RunRound
from comus_core.settings import from_dict
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training


def rounds(training: Training) -> dict[int, str]:
    """The finished rounds of a training, the last first, and their names."""
    if "categories" not in training.result:
        return {}  # it is older: nobody knows what its masks show
    names = (name for name in training.artifacts if name.startswith("predictions-"))
    numbers = sorted((int(name.rpartition("-")[2]) for name in names), reverse=True)
    return {number: ROUND_WORDS.get(number, f"Round {number}") for number in numbers}


def start(workspace: Workspace, subject: RunRound, settings: PackageSettings) -> Job:
    """Queue the packaging of a round into a new folder of the workspace, or give the job that is doing it.

    Raises:
        ComusError: the folder cannot be made, onnx is not installed, or the supervisor does not start.
    """
    active = jobs.list_jobs(workspace, jobs.ACTIVE)
    for job in (job for job in active if (job.kind, job.subject) == ("package", subject.key)):
        if replace(from_dict(PackageSettings, job.settings), out=settings.out) == settings:
            return job
    settings = replace(settings, out=str(new_package(workspace, subject)))
    return submit_verb(workspace, "package", subject, settings)


def last_job(workspace: Workspace, run: Run, training: Training) -> Job | None:
    """The newest packaging of a round of this training, or None."""
    return verb_form.last_job(workspace, "package", *(RunRound(run, number, training) for number in rounds(training)))


def name_of(job: Job) -> str:
    """The name of the package that a job makes."""
    return Path(str(job.settings["out"])).name


def command_line(workspace: Workspace, subject: RunRound, settings: PackageSettings) -> str:
    """The command that does the same in a terminal, into a folder of the person's choice."""
    out = f"{subject.run.id}-round-{subject.number}"
    return verb_form.command(workspace, "package", subject, replace(settings, out=out))
