"""Jobs and times in words. No Streamlit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from comus_core.jobs import ACTIVE, Job, JobEvent, eta_seconds, is_responding, words
from comus_core.text import counted, duration, size
from comus_core.verbs import STAGE_WORDS, VERBS

StageState = Literal["done", "now", "stopped", "todo"]


def stage_states(job: Job) -> list[tuple[str, StageState]]:
    """The stages of a job in words, each done, at work, where it was stopped, or to come."""
    every = words.stages(job)
    here = len(every) if job.state == "done" else words.stage_index(job, every)
    present: StageState = "now" if job.state in ACTIVE else "stopped"
    states: list[StageState] = ["done" if n < here else present if n == here else "todo" for n in range(len(every))]
    return [(stage.words, state) for stage, state in zip(every, states, strict=True)]


def fraction(job: Job) -> float:
    """How much of the present stage is through, from 0 to 1."""
    return min(1.0, job.step / job.total) if job.total else 0.0


def ahead_of(job: Job, active: Iterable[Job]) -> list[Job]:
    """The jobs that the queue serves before this one, those at work first."""
    order = {other.id: (other.state == "queued", -other.priority, other.id) for other in (*active, job)}
    return sorted((o for o in active if o.id != job.id and order[o.id] < order[job.id]), key=lambda o: order[o.id])


def waiting_words(ahead: Sequence[Job]) -> str:
    """What a queued job waits for, by name."""
    if not ahead:
        return "starts in a moment"
    first, others = ahead[0], len(ahead) - 1
    more = f" and {counted(others, 'other job')}" if others else ""
    return f"waits for job {first.id} ({words.phrase(first)}){more}"


def progress_words(job: Job, now: float, ahead: Sequence[Job] = (), missing_room: str = "") -> str:
    """Where an active job stands.

    `ahead` are the jobs that the queue serves before it, see `ahead_of`; `missing_room` is what the disk lacks.
    """
    if job.state == "queued":
        return f"waits: {missing_room}" if missing_room else waiting_words(ahead)
    if job.state == "cancelling":
        return "stopping; what is finished is kept"
    if not job.stage:
        return "starting"
    line = _stage(job.stage)
    over_all = VERBS[job.kind].steps_over_all if job.kind in VERBS else ""
    if over_all:
        line += f" · {fraction(job):.0%} of {over_all}"
    elif job.total > 1:
        line += f" {job.step:,} of {job.total:,}"
    left = eta_seconds(job, now)
    if left is not None and job.step < job.total:
        line += f" · about {duration(left)} left" + ("" if over_all else " in this stage")
    return line if is_responding(job, now) else f"{line} · no heartbeat for a while"


def time_words(job: Job, now: float) -> str:
    """When it was queued or started, and how long it took or takes."""
    if job.started_at is None:
        return f"ended {ago(job.ended_at, now)}, never begun" if job.ended_at else f"queued {ago(job.created_at, now)}"
    if job.state in ACTIVE or job.ended_at is None:
        return f"running for {duration(now - job.started_at)}"
    return f"ended {ago(job.ended_at, now)} after {duration(job.ended_at - job.started_at)}"


def ago(then: float, now: float) -> str:
    """A moment of the past, by its distance if that is short, else by its date."""
    if now - then < 5:
        return "just now"
    if now - then < 24 * 3600:
        return f"{about(now - then)} ago"
    return datetime.fromtimestamp(then).strftime("on %Y-%m-%d")


def about(seconds: float) -> str:
    """An estimate, no more exact than it can be."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{seconds / 3600:.0f} h"


def event_rows(events: Iterable[JobEvent]) -> list[dict[str, str]]:
    """A job's history as rows of a table, the newest first."""
    return [
        {
            "Time": datetime.fromtimestamp(event.at).strftime("%Y-%m-%d %H:%M:%S"),
            "Attempt": str(event.attempt),
            "What": _stage(event.text) if event.kind == "stage" else event.kind,
            "Details": "" if event.kind == "stage" else event.text,
        }
        for event in reversed(list(events))
    ]


def _stage(name: str) -> str:
    """A stage in words; what it is of, such as a file, keeps its letters."""
    return STAGE_WORDS.get(name, f"{name[:1].upper()}{name[1:]}")


def bytes_words(count: int) -> str:
    """Bytes in words."""
    return size(count)


def stored_time(text: str, now: float) -> str:
    """A time of the run table, in ISO format, in the same words."""
    return ago(datetime.fromisoformat(text).timestamp(), now) if text else ""
