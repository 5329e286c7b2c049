"""Which jobs ended since a session last looked, and the notice of each. No Streamlit."""

from __future__ import annotations

from collections.abc import Iterable

from app.data.job_words import dataset_words, networks_words
from app.data.plain_text import plain, sentence
from comus_core.cli.progress import duration
from comus_core.jobs import FINAL, Job

LONG = 20.0  # seconds of running after which its end is worth a notice: of a shorter one the starter saw it

Seen = frozenset[tuple[int, int]]  # (job, attempt) that had ended when the session looked
KIND_WORDS = {
    "discover": "Run",
    "train": "Training",
    "ablate": "Ablation",
    "how_many": "Estimate of the number of clusters",
    "add": "Adding images",
}
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


def words(job: Job) -> str:
    """One sentence in Markdown on how a job ended."""
    on = dataset_words(str(job.settings.get("dataset", "")))
    subject = f"**{KIND_WORDS.get(job.kind, job.kind.capitalize())}** on {plain(on)}" if on else f"**Job {job.id}**"
    duration_words = f" after {duration(job.ended_at - job.started_at)}" if job.ended_at and job.started_at else ""
    reason = f": {sentence(job.error)}" if job.error else ""
    networks = f" ({plain(networks_words(job.settings))})" if job.kind == "discover" else ""
    return f"{subject}{networks} {ENDINGS[job.state]}{duration_words}{reason}"


def _was_long(job: Job) -> bool:
    return job.started_at is not None and job.ended_at is not None and job.ended_at - job.started_at >= LONG
