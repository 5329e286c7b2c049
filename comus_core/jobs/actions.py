"""What people do with jobs: submit, look, cancel, resume, wait. Each is one short change of the table."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comus_core.jobs.kinds import kind_of
from comus_core.jobs.launcher import ensure_supervisor
from comus_core.jobs.records import FINAL, Job, State
from comus_core.jobs.table import JobTable
from comus_core.workspace import Workspace

# The job's process sees these as the submitter did, whoever started the supervisor.
KEPT_VARIABLES = ("COMUS_WEIGHTS", "OMP_NUM_THREADS")


def submit(workspace: Workspace, kind: str, settings: Mapping[str, Any], device: str = "auto") -> Job:
    """Queue a job; `ensure_supervisor` sees to it that it is started.

    Args:
        workspace: where it works.
        kind: a key of `KINDS`.
        settings: JSON values, for `discover` the fields of `RunConfig` and `until`; relative paths in them start
            at the present working directory.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        SettingsError: an unknown kind, or settings that cannot work.
    """
    kind_of(kind).check(settings)
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return JobTable(workspace.database).insert(kind, dict(settings), device, Path.cwd(), kept)


def get(workspace: Workspace, job_id: int) -> Job:
    """The job of that id.

    Raises:
        WorkspaceError: there is none.
    """
    return JobTable(workspace.database).get(job_id)


def list_jobs(workspace: Workspace, states: Sequence[State] | None = None) -> list[Job]:
    """The jobs, newest first; only those in `states`, if given."""
    return JobTable(workspace.database).all(states)


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
    looks = 0
    while (job := get(workspace, job_id)).state not in FINAL and (end is None or time.monotonic() < end):
        if looks % 20 == 0:
            ensure_supervisor(workspace)
        looks += 1
        time.sleep(0.1)
    return job
