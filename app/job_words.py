"""Jobs and times in words. No Streamlit."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from comus_core.cli.progress import duration, size
from comus_core.jobs import ACTIVE, Job, eta_seconds, is_responding
from comus_core.types import STAGES

StageState = Literal["done", "now", "stopped", "todo"]

STAGE_WORDS = {
    "images": "Images",
    "saliency": "Saliency",
    "features": "Features",
    "clustering": "Clustering",
    "projection": "Map",
    "pseudo_masks": "Pseudo-masks",
    "evaluation": "Scores",
}


def dataset_words(spec: str) -> str:
    """A data set's short name: `demo`, `VOC trainval`, or the folder's own name."""
    kind, _, rest = spec.partition(":")
    if kind in ("voc", "coco") and rest:
        return f"{kind.upper()} {rest.rpartition(':')[2]}"
    return Path(spec).name or spec


def networks_words(settings: dict[str, Any]) -> str:
    """Detector and encoder as asked for."""
    detector = str(settings.get("saliency", {}).get("detector", "auto"))
    encoder = str(settings.get("features", {}).get("encoder", "auto"))
    short = [name if ":" not in name else f"own {Path(name.partition(':')[2]).name}" for name in (detector, encoder)]
    return " + ".join("best on this machine" if name == "auto" else name for name in dict.fromkeys(short))


def stage_states(job: Job) -> list[tuple[str, StageState]]:
    """The stages of a job in words, each done, at work, where it was stopped, or to come."""
    last = str(job.settings.get("until", STAGES[-1]))
    wanted = STAGES[: STAGES.index(last) + 1] if last in STAGES else STAGES
    here = wanted.index(job.stage) if job.stage in wanted else -1
    if job.state == "done":
        here = len(wanted)
    present: StageState = "now" if job.state in ACTIVE else "stopped"
    states: list[StageState] = ["done" if n < here else present if n == here else "todo" for n in range(len(wanted))]
    return [(STAGE_WORDS[stage], state) for stage, state in zip(wanted, states, strict=True)]


def fraction(job: Job) -> float:
    """How much of the present stage is through, from 0 to 1."""
    return min(1.0, job.step / job.total) if job.total else 0.0


def progress_words(job: Job, now: float, ahead: int = 0) -> str:
    """Where an active job stands; `ahead` is how many jobs the queue serves before it."""
    if job.state == "queued":
        return f"waits for {ahead} other job{'s' if ahead > 1 else ''}" if ahead else "starts in a moment"
    if job.state == "cancelling":
        return "stopping; what is finished is kept"
    if not job.stage:
        return "starting"
    words = STAGE_WORDS.get(job.stage, job.stage)
    if job.total > 1:
        words += f" {job.step:,} of {job.total:,}"
    left = eta_seconds(job, now)
    words += f" · about {duration(left)} left in this stage" if left is not None and job.step < job.total else ""
    return words if is_responding(job, now) else f"{words} · no sign of life for a while"


def time_words(job: Job, now: float) -> str:
    """When it was queued or started, and how long it took or takes."""
    if job.started_at is None:
        return f"ended {ago(job.ended_at, now)}, never begun" if job.ended_at else f"queued {ago(job.created_at, now)}"
    if job.state in ACTIVE or job.ended_at is None:
        return f"at work for {duration(now - job.started_at)}"
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


def bytes_words(count: int) -> str:
    """Bytes in words; few are not called none."""
    return size(count) if count >= 1_000_000 else f"{-(-count // 1000)} kB"


def stored_time(text: str, now: float) -> str:
    """A time of the run table, in ISO format, in the same words."""
    return ago(datetime.fromisoformat(text).timestamp(), now) if text else ""


def plain(text: str) -> str:
    """Text that Markdown leaves alone."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>$:#~|" else letter for letter in text)
