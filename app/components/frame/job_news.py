"""Which jobs ended since a session last looked, and the notice of each. No Streamlit."""

from __future__ import annotations

from collections.abc import Iterable

from app.data.plain_text import plain, sentence
from comus_core.jobs import FINAL, Job, words
from comus_core.text import duration

LONG = 20.0  # seconds of running after which its end is worth a notice: of a shorter one the starter saw it

Seen = frozenset[tuple[int, int]]  # (job, attempt) that had ended when the session looked
ENDINGS = {"done": "finished", "failed": "failed", "lost": "stopped unexpectedly", "cancelled": "was cancelled"}


def news(jobs: Iterable[Job], seen: Seen | None) -> tuple[list[Job], Seen]:
    """The long jobs that ended since the last look, oldest first, and what the next look must know.

    Args:
        jobs: all of the workspace.
        seen: what the last look returned; None at a session's first, to which nothing is new.
    """
    ended = {(job.id, job.attempt): job for job in jobs if job.state in FINAL}
    fresh = [] if seen is None else [job for key, job in sorted(ended.items()) if key not in seen and _was_long(job)]
    return fresh, frozenset(ended)


def sentence_on(job: Job, outcome: str = "") -> str:
    """How a job ended, in one sentence of Markdown, below what came out of it: `outcome`, in Markdown too.

    What came out is first because a notice of many lines is folded.
    """
    phrase = f"run with {words.phrase(job)}" if job.kind == "discover" else words.phrase(job)
    title = words.title(job)
    subject = f"**{plain(phrase[0].upper() + phrase[1:])}**" + (f" ({plain(title)})" if title else "")
    seconds = f" after {duration(job.ended_at - job.started_at)}" if job.ended_at and job.started_at else ""
    reason = f": {sentence(job.error)}" if job.error else ""
    return (f"{outcome}  \n" if outcome else "") + f"{subject} {ENDINGS[job.state]}{seconds}{reason}"


def last_result(jobs: Iterable[Job], known: frozenset[int]) -> Job | None:
    """The job that finished last, of those that had not when the session began and whose result was not opened.

    Args:
        jobs: all of the workspace.
        known: ids of the jobs to leave out.
    """
    fresh = [job for job in jobs if job.state == "done" and job.id not in known and job.ended_at]
    return max(fresh, key=lambda job: job.ended_at or 0.0, default=None)


def _was_long(job: Job) -> bool:
    return job.started_at is not None and job.ended_at is not None and job.ended_at - job.started_at >= LONG
