"""Looking for what is similar to a picture of one's own, as a job. No Streamlit."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import IO, Any

from comus_core import jobs
from comus_core.errors import WorkspaceError
from comus_core.jobs import Job
from comus_core.pipelines.prediction_folder import PHOTOGRAPHS, new_prediction
from comus_core.workspace import Run, Workspace

ANSWER = "similar.json"


def start(workspace: Workspace, run: Run, name: str, content: IO[bytes]) -> Job:
    """Keep the picture beside the run's predictions and queue the search.

    Raises:
        ComusError: the disk is full, or the supervisor does not start.
    """
    folder = new_prediction(workspace, run.id, [(name, content)])
    (picture,) = (folder / PHOTOGRAPHS).iterdir()
    settings = {"run": run.id, "picture": str(picture), "out": str(folder / ANSWER), "dataset": picture.name}
    job = jobs.submit(workspace, "similar", settings)
    jobs.ensure_supervisor(workspace)
    return job


def last_job(workspace: Workspace, run: Run) -> Job | None:
    """The newest search in this run, or None."""
    asked = (job for job in jobs.list_jobs(workspace) if job.kind == "similar")
    return next((job for job in asked if job.settings.get("run") == run.id), None)


def answer(job: Job) -> dict[str, Any]:
    """What a finished search found, see `similar.find_similar_to`.

    Raises:
        WorkspaceError: its file is gone or damaged.
    """
    path = Path(str(job.settings["out"]))
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"the answer of job {job.id} is gone ({path}: {error}): search again") from None


def command_line(workspace: Workspace, run: Run) -> str:
    """The command that does the same."""
    return shlex.join(["comus", "similar", run.id, "picture.jpg", "--workspace", str(workspace.root)])
