"""Background jobs: rows in the workspace's SQLite, one process a job, a supervisor that starts and watches them.

    from comus_core.jobs import ensure_supervisor, submit, wait

    job = submit(workspace, "discover", make_config(dataset="photos"), DiscoverSettings())
    ensure_supervisor(workspace)
    print(wait(workspace, job.id).state)

A job is a verb (`comus_core.verbs`) with its subject and settings.

Jobs outlive the program that submitted them and its supervisor. Nothing here imports torch; the job's process does.
"""

from __future__ import annotations

from comus_core.jobs.actions import cancel, events, get, list_jobs, prioritise, resume, submit, wait
from comus_core.jobs.launcher import ensure_supervisor, supervisor_pid
from comus_core.jobs.logs import read_log, read_result
from comus_core.jobs.records import ACTIVE, FINAL, RESUMABLE, Job, JobEvent, eta_seconds, is_responding

__all__ = [
    "ACTIVE",
    "FINAL",
    "RESUMABLE",
    "Job",
    "JobEvent",
    "cancel",
    "ensure_supervisor",
    "eta_seconds",
    "events",
    "get",
    "is_responding",
    "list_jobs",
    "prioritise",
    "read_log",
    "read_result",
    "resume",
    "submit",
    "supervisor_pid",
    "wait",
]
