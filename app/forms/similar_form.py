"""Searching a run for what is similar to a picture, as a job. No Streamlit."""

from __future__ import annotations

from typing import IO

from app.forms.verb_form import command, submit_verb
from comus_core.jobs import Job
from comus_core.pipelines.prediction_folder import PHOTOGRAPHS, new_prediction
from comus_core.pipelines.verb_settings import SimilarSettings
from comus_core.workspace import Run, Workspace


def start(workspace: Workspace, run: Run, name: str, content: IO[bytes]) -> Job:
    """Keep the picture beside the run's predictions and queue the search.

    Raises:
        ComusError: the disk is full, or the supervisor does not start.
    """
    folder = new_prediction(workspace, run.id, [(name, content)])
    (picture,) = (folder / PHOTOGRAPHS).iterdir()
    return submit_verb(workspace, "similar", run, SimilarSettings(picture=str(picture)))


def command_line(workspace: Workspace, run: Run) -> str:
    """The command that does the same with a file."""
    return command(workspace, "similar", run, SimilarSettings(picture="picture.jpg"))
