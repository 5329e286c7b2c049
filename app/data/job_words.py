"""Jobs and times in words. No Streamlit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from comus_core.jobs.kinds import ablation_asked

from comus_core.cli.progress import duration
from comus_core.datasets.dataset import parse_dataset
from comus_core.errors import SettingsError
from comus_core.jobs import ACTIVE, Job, eta_seconds, is_responding
from comus_core.text import counted, size
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

PREDICT_WORDS = {"clustering": "Neighbours", "masks": "Masks", "writing": "Results"}


def dataset_words(spec: str) -> str:
    """A data set's short name: `demo`, `VOC trainval`, or the folder's own name."""
    address = parse_dataset(spec)
    if address.split:
        return f"{address.format.upper()} {address.split}"
    return Path(spec).name or spec


def networks_words(settings: dict[str, Any]) -> str:
    """Detector and encoder; the backbone of a training or an ablation; or what else a job does."""
    if "picture" in settings:
        return "search for what is similar"
    if settings.get("look") == "health":
        return "health of the images"
    if "most" in settings:
        return "how many clusters"
    if "photographs" in settings:
        number = settings.get("round", 0)
        return f"prediction with round {number}" if number else "prediction with the clusters"
    if "seeds" in settings:
        return f"ablation with {settings['training'].get('backbone', 'a network')}"
    if "assign" in settings:
        return "images added to a run"
    if "training" in settings:
        return f"training of {settings['training'].get('backbone', 'a network')}"
    detector = str(settings.get("saliency", {}).get("detector", "auto"))
    encoder = str(settings.get("features", {}).get("encoder", "auto"))
    short = [name if ":" not in name else f"own {Path(name.partition(':')[2]).name}" for name in (detector, encoder)]
    return " + ".join("best on this machine" if name == "auto" else name for name in dict.fromkeys(short))


def stage_states(job: Job) -> list[tuple[str, StageState]]:
    """The stages of a job in words, each done, at work, where it was stopped, or to come."""
    if job.kind == "train":
        return _round_states(job)
    if job.kind == "ablate":
        return _row_states(job)
    if job.kind == "how_many":
        return _standing(job, [STAGE_WORDS["clustering"]], 0 if job.stage else -1)
    if job.kind == "images":
        names = ("images", "health")
        here = names.index(job.stage) if job.stage in names else -1
        return _standing(job, ["Images", "Health"], here)
    if job.kind == "similar":
        return _standing(job, ["Similar"], 0 if job.stage else -1)
    if job.kind == "predict":
        return _predict_states(job)
    last = str(job.settings.get("until", STAGES[-1]))
    wanted = STAGES[: STAGES.index(last) + 1] if last in STAGES else STAGES
    here = wanted.index(job.stage) if job.stage in wanted else -1
    return _standing(job, [STAGE_WORDS[stage] for stage in wanted], here)


def _round_states(job: Job) -> list[tuple[str, StageState]]:
    """The rounds of a training; what comes before its first round belongs to round 0, the run's own score."""
    rounds = int(job.settings.get("training", {}).get("rounds", 1))
    found = re.match(r"round (\d+)", job.stage)
    here = int(found.group(1)) if found else 0 if job.stage else -1
    return _standing(job, [f"Round {number}" for number in range(rounds + 1)], here)


def _predict_states(job: Job) -> list[tuple[str, StageState]]:
    """What a prediction goes through; a network may ask the run's saliency, and has neither features nor clusters."""
    middle = ("masks",) if job.settings.get("round") else ("features", "clustering")
    names = ("images", "saliency", *middle, "writing")
    words = [PREDICT_WORDS.get(name) or STAGE_WORDS[name] for name in names]
    return _standing(job, words, names.index(job.stage) if job.stage in names else -1)


def _row_states(job: Job) -> list[tuple[str, StageState]]:
    """The rows of an ablation; none of one that another version asked for in words this one does not know."""
    try:
        names = [row.name for row in ablation_asked(job.settings)[1].chosen]
    except SettingsError:
        return []
    words = [f"{name[0].upper()}{name[1:]}" for name in names]
    return _standing(job, words, names.index(job.stage) if job.stage in names else -1)


def _standing(job: Job, words: list[str], here: int) -> list[tuple[str, StageState]]:
    if job.state == "done":
        here = len(words)
    present: StageState = "now" if job.state in ACTIVE else "stopped"
    states: list[StageState] = ["done" if n < here else present if n == here else "todo" for n in range(len(words))]
    return list(zip(words, states, strict=True))


def fraction(job: Job) -> float:
    """How much of the present stage is through, from 0 to 1."""
    return min(1.0, job.step / job.total) if job.total else 0.0


def ahead_of(job: Job, active: Iterable[Job]) -> list[Job]:
    """The jobs that the queue serves before this one, those at work first."""
    before = [other for other in active if other.id != job.id and (other.state != "queued" or other.id < job.id)]
    return sorted(before, key=lambda other: (other.state == "queued", other.id))


def waiting_words(ahead: Sequence[Job]) -> str:
    """What a queued job waits for, by name."""
    if not ahead:
        return "starts in a moment"
    first, others = ahead[0], len(ahead) - 1
    more = f" and {counted(others, 'other job')}" if others else ""
    return f"waits for job {first.id} ({networks_words(first.settings)}){more}"


def progress_words(job: Job, now: float, ahead: Sequence[Job] = ()) -> str:
    """Where an active job stands; `ahead` are the jobs that the queue serves before it, see `ahead_of`."""
    if job.state == "queued":
        return waiting_words(ahead)
    if job.state == "cancelling":
        return "stopping; what is finished is kept"
    if not job.stage:
        return "starting"
    words = STAGE_WORDS.get(job.stage, job.stage.capitalize())
    whole = job.kind == "ablate"  # its steps are seconds of the estimate over all rows
    if whole:
        words += f" · {fraction(job):.0%} of all rows"
    elif job.total > 1:
        words += f" {job.step:,} of {job.total:,}"
    left = eta_seconds(job, now)
    if left is not None and job.step < job.total:
        words += f" · about {duration(left)} left" + ("" if whole else " in this stage")
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
    """Bytes in words."""
    return size(count)


def stored_time(text: str, now: float) -> str:
    """A time of the run table, in ISO format, in the same words."""
    return ago(datetime.fromisoformat(text).timestamp(), now) if text else ""
