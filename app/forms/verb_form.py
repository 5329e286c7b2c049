"""Starting any verb as a job, the last job of one, and the command that does the same. No Streamlit."""

from __future__ import annotations

from typing import Any

from comus_core import jobs
from comus_core.cli.command_line import verb_line
from comus_core.jobs import Job
from comus_core.settings import from_dict
from comus_core.verbs import subjects, verb_named
from comus_core.workspace import Workspace


def submit_verb(
    workspace: Workspace, verb: str, subject: Any, settings: Any, device: str = "auto", compute: str | None = None
) -> Job:
    """Queue a verb, or give the job that does the very same already, so that a second click changes nothing.

    Raises:
        ComusError: settings that cannot work, or the supervisor does not start.
    """
    known = verb_named(verb)
    wanted = (verb, subjects.as_json(known.subject, subject), settings, device)
    active = [job for job in jobs.list_jobs(workspace, jobs.ACTIVE) if job.kind == verb]
    same = [j for j in active if (j.kind, j.subject, from_dict(known.settings, j.settings), j.device) == wanted]
    job = same[0] if same else jobs.submit(workspace, verb, subject, settings, device, compute)
    jobs.ensure_supervisor(workspace)
    return job


def last_job(workspace: Workspace, verb: str, *asked_of: Any) -> Job | None:
    """The newest job of a verb on one of these subjects, or None."""
    kind = verb_named(verb).subject
    wanted = [subjects.as_json(kind, subject) for subject in asked_of]
    return next((job for job in jobs.list_jobs(workspace) if job.kind == verb and job.subject in wanted), None)


def command(workspace: Workspace, verb: str, subject: Any, settings: Any) -> str:
    """The command that does the same in a terminal."""
    return verb_line(verb, subject, settings, workspace=workspace.root)


def seeds_with(own: int, count: int) -> tuple[int, ...]:
    """So many seeds: that of the run, which is not run again, and the smallest others."""
    others = (seed for seed in range(count) if seed != own)
    return tuple(sorted([own, *list(others)[: count - 1]]))
