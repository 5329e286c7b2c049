"""What people do with jobs: submit, list, cancel, resume, wait. Each is one short change of the table."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comus_core.compute import VARIABLE as COMPUTE
from comus_core.compute import place_of
from comus_core.jobs.launcher import ensure_supervisor
from comus_core.jobs.records import FINAL, Job, JobEvent, State
from comus_core.jobs.table import JobTable
from comus_core.person import VARIABLE, acting
from comus_core.settings import from_dict, require, to_dict
from comus_core.verbs import subjects, verb_named
from comus_core.workspace import Workspace

# The job's process sees these as the submitter did, whoever started the supervisor.
KEPT_VARIABLES = ("COMUS_WEIGHTS", "OMP_NUM_THREADS", COMPUTE)
RETRIES_VARIABLE = "COMUS_JOB_RETRIES"
RETRIES = 3  # two kills of one shard, then a third names the image that kills: see `workspace.shard_attempts`


def submit(
    workspace: Workspace,
    verb: str,
    subject: Any,
    settings: Any,
    device: str = "auto",
    compute: str | None = None,
    *,
    priority: int = 0,
    retries: int | None = None,
) -> Job:
    """Queue a job; `ensure_supervisor` sees to it that it is started.

    Args:
        workspace: where it works.
        verb: the name of one that runs as a job.
        subject: what it is asked of: a `RunConfig`, a `Run`, a `RunRound` or two, or the string of a data set.
        settings: an object of the verb's settings class; relative paths in it start at the present working directory.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        compute: where its images are worked on, see `computing`; None is what COMUS_COMPUTE says here.
        priority: of the queued jobs the one with the highest starts first, then the oldest.
        retries: how often it is queued again by itself if its process dies without a word; None: COMUS_JOB_RETRIES,
            else 3. After the last one it is failed; with 0 it is lost at once, and waits for `resume`.

    Raises:
        SettingsError: an unknown verb, one that runs at once, or settings of another.
    """
    known = verb_named(verb)
    require(known.is_job, f"{verb} takes no time: call it instead of queuing it")
    values = to_dict(from_dict(known.settings, to_dict(settings)))
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    if (person := acting()) is not None:
        kept[VARIABLE] = person.shown
    kept |= {COMPUTE: place_of(compute).text} if compute is not None else {}
    known.check(settings)
    about = subjects.as_json(known.subject, subject)
    retries = default_retries() if retries is None else retries
    return JobTable(workspace.database).insert(verb, about, values, device, Path.cwd(), kept, priority, retries)


def default_retries() -> int:
    """How often a lost job is queued again by itself: COMUS_JOB_RETRIES, else 3.

    Raises:
        SettingsError: the variable is no whole number of at least 0.
    """
    said = os.environ.get(RETRIES_VARIABLE) or str(RETRIES)
    require(said.isdecimal(), f"{RETRIES_VARIABLE}={said}: set it to a whole number, 0 for no retries")
    return int(said)


def get(workspace: Workspace, job_id: int) -> Job:
    """The job of that id.

    Raises:
        WorkspaceError: there is none.
    """
    return JobTable(workspace.database).get(job_id)


def list_jobs(workspace: Workspace, states: Sequence[State] | None = None) -> list[Job]:
    """The jobs, newest first; only those in `states`, if given."""
    return JobTable(workspace.database).all(states)


def events(workspace: Workspace, job_id: int) -> list[JobEvent]:
    """What happened to a job, oldest first.

    Raises:
        WorkspaceError: there is no such job.
    """
    table = JobTable(workspace.database)
    return table.events(table.get(job_id).id)


def prioritise(workspace: Workspace, job_id: int, priority: int | None = None) -> Job:
    """Change when a queued job starts: those with a higher priority first; None: before all that are queued now.

    A job that is not queued stays as it is.

    Raises:
        WorkspaceError: there is no such job.
    """
    return JobTable(workspace.database).prioritise(job_id, priority)


def cancel(workspace: Workspace, job_id: int) -> Job:
    """Ask a job to stop: a queued one is cancelled at once, a running one when it hears, or is made to.

    Finished shards stay. A job that has ended stays as it ended.

    Raises:
        WorkspaceError: there is no such job.
    """
    return JobTable(workspace.database).request_cancel(job_id)


def resume(workspace: Workspace, job_id: int) -> Job:
    """Queue a new attempt of a cancelled, failed or lost job; finished shards and artifacts are not computed again.

    Raises:
        WorkspaceError: there is no such job, or it is queued, at work or done.
    """
    return JobTable(workspace.database).requeue(job_id)


def wait(workspace: Workspace, job_id: int, timeout: float | None = None) -> Job:
    """The job when it has ended, or as it stands after `timeout` seconds; keeps a supervisor up meanwhile."""
    end = None if timeout is None else time.monotonic() + timeout
    checks = 0
    while (job := get(workspace, job_id)).state not in FINAL and (end is None or time.monotonic() < end):
        if checks % 20 == 0:
            ensure_supervisor(workspace)
        checks += 1
        time.sleep(0.1)
    return job
