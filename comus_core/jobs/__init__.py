"""Background jobs: rows in the workspace's SQLite, one process a job, a supervisor that starts and watches them.

    from comus_core.jobs import ensure_supervisor, submit, wait

    job = submit(workspace, "discover", make_config(dataset="photos"), DiscoverSettings())
    ensure_supervisor(workspace)
    print(wait(workspace, job.id).state)

A job is a verb (`comus_core.verbs`) with its subject and settings.

Jobs outlive the program that submitted them and its supervisor. Nothing here imports torch; the job's process does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "ACTIVE": "records",
    "FINAL": "records",
    "RESUMABLE": "records",
    "Job": "records",
    "eta_seconds": "records",
    "is_responding": "records",
    "cancel": "actions",
    "get": "actions",
    "list_jobs": "actions",
    "resume": "actions",
    "submit": "actions",
    "wait": "actions",
    "read_log": "logs",
    "read_result": "logs",
    "ensure_supervisor": "launcher",
    "supervisor_pid": "launcher",
}

__all__ = [
    "ACTIVE",
    "FINAL",
    "RESUMABLE",
    "Job",
    "cancel",
    "ensure_supervisor",
    "eta_seconds",
    "get",
    "is_responding",
    "list_jobs",
    "read_log",
    "read_result",
    "resume",
    "submit",
    "supervisor_pid",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
