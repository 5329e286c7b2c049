"""The work of a job: its verb's public function, called with what the job's row holds. May import what is heavy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.jobs.records import Job
from comus_core.settings import from_dict
from comus_core.types import OnProgress
from comus_core.verbs import subjects, verb_named
from comus_core.verbs.results import result_json
from comus_core.workspace import Workspace


@dataclass(frozen=True)
class Observer:
    """Who is told: of each step (and may raise `Cancelled`), of the run once it is known, of lines for the log."""

    on_progress: OnProgress
    on_run: Callable[[str], object]
    log: Callable[[str], None]


def work(workspace: Workspace, job: Job, observer: Observer) -> Any:
    """Do it, and return its result as JSON.

    Raises:
        SettingsError: the row's settings are those of another version.
        ComusError: the verb's own fault.
    """
    verb = verb_named(job.kind)
    subject = subjects.opened(verb.subject, _subject_now(workspace, job), workspace)
    settings: Any = from_dict(verb.settings, job.settings)
    if (run := subjects.run_of(subject)) is not None:
        observer.on_run(run)
    observers: dict[str, Callable[[Any], object]] = {"log": observer.log}
    observers["on_run"] = lambda run: observer.on_run(run.id)
    observers |= {name: _noted(observer, line) for name, line in verb.notes.items()}
    device = job.slot or job.device
    result = verb.perform(
        subject, workspace, settings, device=device, on_progress=observer.on_progress, observers=observers
    )
    for line in verb.lines(result):
        observer.log(line)
    return result_json(result)


def _noted(observer: Observer, line: Callable[[Any], str]) -> Callable[[Any], object]:
    return lambda entry: observer.log(line(entry))


def _subject_now(workspace: Workspace, job: Job) -> Any:
    """The job's subject; that of a further attempt knows what became of the run that an earlier one began."""
    if job.subject is None and verb_named(job.kind).subject != "workspace":
        raise WorkspaceError(f"job {job.id} was queued by another version of this program: start it again")
    run = next((run for run in workspace.runs.all(archived=True) if run.id == job.run), None)
    return job.subject if run is None else subjects.resumed(verb_named(job.kind).subject, job.subject, run)
