"""A job as one row shows it, and what can be told from the row alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["queued", "running", "cancelling", "done", "failed", "cancelled", "lost"]

LIVE: tuple[State, ...] = ("running", "cancelling")  # there is, or should be, a process
ACTIVE: tuple[State, ...] = ("queued", *LIVE)
FINAL: tuple[State, ...] = ("done", "failed", "cancelled", "lost")
RESUMABLE: tuple[State, ...] = ("failed", "cancelled", "lost")

SILENCE = 10.0  # seconds without a heartbeat after which a live process is shown as not responding


@dataclass(frozen=True)
class Job:
    """One row of the job table; times are seconds since the epoch, None where it has not come to that.

    Attributes:
        kind: the name of its verb.
        subject: what the verb is asked of, as `verbs.subjects.as_json` gives it; None for the workspace.
        settings: of the verb, as JSON.
        run: id of the run that the job works on, as soon as it is known.
        device: as asked; `slot` is the device that was given.
        folder: where relative paths in subject and settings start.
        environment: the few variables of the submitter that its process must see.
        attempt: 1, and one more at each resume and at each start by itself.
        priority: of the queued jobs the one with the highest starts first, then the oldest.
        retries: how often a lost job is queued again without a person; 0: it stays lost.
        retried: how often it was, since a person last queued it.
        first_step: the step of the stage at which this attempt's own work began; steps before were found finished.
        stage_started_at, progress_at: when that work began, and when `step` was last raised.
        pid, process_start, host, boot_id: which process it is, so that another one with the same pid is not mistaken.
        error: one sentence; why it failed or was lost.
        log_path: standard output and error of every attempt.
    """

    id: int
    kind: str
    subject: Any
    settings: dict[str, Any]
    state: State
    device: str
    folder: Path
    log_path: Path
    created_at: float
    environment: dict[str, str] = field(default_factory=dict)
    attempt: int = 1
    priority: int = 0
    retries: int = 0
    retried: int = 0
    run: str | None = None
    stage: str = ""
    step: int = 0
    total: int = 0
    first_step: int = 0
    stage_started_at: float | None = None
    progress_at: float | None = None
    heartbeat: float | None = None
    pid: int | None = None
    process_start: str | None = None
    host: str | None = None
    boot_id: str | None = None
    slot: str | None = None
    cancel_requested_at: float | None = None
    error: str | None = None
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True)
class JobEvent:
    """One entry of a job's history.

    Attributes:
        at: seconds since the epoch.
        attempt: the attempt that it belongs to.
        kind: `queued`, `running`, `stage`, `cancelling`, `stopping`, `stalled`, `waiting`, or how an attempt ended.
        text: the rest, for people; may be empty.
    """

    at: float
    attempt: int
    kind: str
    text: str


def eta_seconds(job: Job, now: float | None = None) -> float | None:
    """Seconds until the current stage is through, at the pace of this attempt in this stage.

    With `now`, in seconds since the epoch, the answer counts down between two steps; without, it is as of the last
    step.

    Returns:
        None while no pace is known: not running, or no step of its own done yet.
    """
    if job.state not in LIVE or job.stage_started_at is None or job.progress_at is None:
        return None
    done, elapsed = job.step - job.first_step, job.progress_at - job.stage_started_at
    if done <= 0 or elapsed <= 0:
        return None
    left = elapsed / done * (job.total - job.step)
    return max(0.0, left - max(0.0, (now or job.progress_at) - job.progress_at))


def is_responding(job: Job, now: float) -> bool:
    """Whether a live job gave a sign of life lately; a silent one may be swapping or stopped, and is left alone."""
    last = job.heartbeat or job.started_at or now
    return job.state not in LIVE or now - last <= SILENCE
