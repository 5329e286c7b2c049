"""Asking how many clusters there are, as a job. No Streamlit."""

from __future__ import annotations

import shlex

from comus_core import jobs
from comus_core.jobs import Job
from comus_core.workspace import Run, Workspace


def last_job(workspace: Workspace, run: Run) -> Job | None:
    """The newest job that asked it of this run, or None."""
    asked = (job for job in jobs.list_jobs(workspace) if job.kind == "how_many")
    return next((job for job in asked if job.settings.get("run") == run.id), None)


def start(workspace: Workspace, run: Run) -> Job:
    """Queue it.

    Raises:
        ComusError: the supervisor does not start.
    """
    job = jobs.submit(workspace, "how_many", {"run": run.id, "dataset": run.config.dataset, "most": None})
    jobs.ensure_supervisor(workspace)
    return job


def command_line(workspace: Workspace, run: Run) -> str:
    """The command that does the same."""
    return shlex.join(["comus", "how-many", run.id, "--workspace", str(workspace.root)])
