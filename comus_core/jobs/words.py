"""What a job is called and works on, and its stages, from its verb's entry in the table."""

from __future__ import annotations

from typing import Any

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.jobs.logs import read_result
from comus_core.jobs.records import Job
from comus_core.settings import from_dict
from comus_core.verbs import VERBS, Stage, Verb


def title(job: Job) -> str:
    """What it works on: a data set, a run, a round, images, a picture."""
    known = _verb_and_settings(job)
    return known[0].title(job.subject, known[1]) if known else ""


def phrase(job: Job) -> str:
    """What is done: the networks of a run, or such as `training with efficientnet-lite0`."""
    known = _verb_and_settings(job)
    return known[0].phrase(job.subject, known[1]) if known else job.kind


def stages(job: Job) -> tuple[Stage, ...]:
    """The stages that it goes through, in order; none where that is not known."""
    known = _verb_and_settings(job)
    return known[0].stages(job.subject, known[1]) if known else ()


def stage_index(job: Job, every: tuple[Stage, ...]) -> int:
    """Which of its stages it is at, or ended in; -1 before the first, and where it is none of them."""
    if not job.stage:
        return -1
    named = [n for n, s in enumerate(every) if s.name and (job.stage == s.name or job.stage.startswith(f"{s.name} "))]
    others = [n for n, s in enumerate(every) if not s.name]
    return next(iter([*named, *others]), -1)


def outcome(job: Job) -> str:
    """What came out of a finished job, in one short line, read from its result; '' for others and older versions'."""
    known = _verb_and_settings(job) if job.state == "done" else None
    try:
        return known[0].outcome(read_result(job), known[1]) if known else ""
    except (WorkspaceError, KeyError, TypeError):  # its file is gone, or has other fields than this version writes
        return ""


def _verb_and_settings(job: Job) -> tuple[Verb, Any] | None:
    """None for a job of another version of this program, whose words this one does not know."""
    verb = VERBS.get(job.kind)
    if verb is None or (job.subject is None and verb.subject != "workspace"):
        return None
    try:
        return verb, from_dict(verb.settings, job.settings)
    except SettingsError:
        return None
