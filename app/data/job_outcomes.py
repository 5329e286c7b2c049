"""What came out of a job, and where its result is to be seen. No Streamlit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.data.run_cache import Held, workspace
from comus_core.datasets.dataset import parse_dataset
from comus_core.jobs import Job, words

_outcomes: Held[str] = Held(256)


@dataclass(frozen=True)
class Destination:
    """Where the result of a job is: a page, the parameters of its address, and what to do there."""

    page: str
    parameters: tuple[tuple[str, str], ...]
    label: str


# kind of the job -> page, what to do there.
_PLACES = {
    "discover": ("name", "Name them"),
    "train": ("training", "Compare the rounds"),
    "ablate": ("training", "Open the table"),
    "evaluate": ("scores", "Open the scores"),
    "seeds": ("scores", "Open the scores"),
    "table": ("scores", "Open the table"),
    "compare": ("compare", "Compare them"),
    "agreement": ("compare", "Compare them"),
    "predict": ("predict", "Show the masks"),
    "objects": ("objects", "Open the table"),
    "export": ("export", "Open the export"),
    "import": ("clusters", "Open the run"),
    "package": ("training", "Download it"),
    "add": ("explore", "Open the map"),
    "how-many": ("clusters", "Open the clusters"),
    "encoders-compare": ("clusters", "Show the comparison"),
    "similar": ("similar", "Show them"),
    "images": ("images", "Check the images"),
}
# kind of the job on a data set -> tab of the Images page, what to do there.
_TABS = {
    "saliency-compare": ("detectors", "Show the comparison"),
    "saliency-train": ("own", "Use the detector"),
    "saliency-predict": ("maps", "Download the maps"),
}
_OF_DATASETS = ("datasets-download", "datasets-check")


def outcome(job: Job) -> str:
    """What came out of a finished job, in one short line; '' for others. Read once an attempt."""
    if job.state != "done":
        return ""
    said = _outcomes.get((str(job.log_path), job.attempt, job.ended_at), lambda: words.outcome(job))
    return said.replace(f" written to {job.settings.get('out')}", " exported") if job.kind == "export" else said


def destination(job: Job) -> Destination | None:
    """Where its result is, None for a job without one that a page shows."""
    if job.state == "done" and job.kind in _TABS:
        tab, label = _TABS[job.kind]
        return Destination("images", (("data", str(job.subject or "")), ("tab", tab)), label) if _is_kept(job) else None
    if job.state == "done" and job.kind == "encoders-compare" and not job.run:  # of a data set
        where = (("data", str(job.subject or "")), ("tab", "encoders"))
        return Destination("images", where, "Show the comparison") if job.subject else None
    if job.state == "done" and job.kind in _OF_DATASETS:
        folder = _folder_of(job)
        return Destination("datasets", (("folder", folder),), "Show the data sets") if folder else None
    if job.state != "done" or job.kind not in _PLACES:
        return None
    page, label = ("import", "Show the changes") if _is_preview(job) else _PLACES[job.kind]
    if page == "images":
        return Destination(page, (), label)
    if job.kind == "table" and not job.run:  # of no run: the page of any shows it
        return Destination(page, (), label)
    parameters = (("run", job.run or ""), *((("picture", str(job.id)),) if page == "similar" else ()))
    return Destination(page, parameters, label) if job.run else None


def _folder_of(job: Job) -> str:
    """The folder of the Data sets page that shows a download or a check; "" for other data sets."""
    if job.kind == "datasets-download":
        return str(job.settings.get("to_") or "")
    address = parse_dataset(str(job.subject or "demo"))
    if address.root is None or address.format not in ("voc", "coco"):
        return ""
    return str(address.root.parent if address.root.name == "VOCdevkit" else address.root)


def _is_kept(job: Job) -> bool:
    """Whether its result lies in the workspace, where a page finds it; what a command wrote elsewhere does not."""
    out = job.settings.get("out")
    return out is None or Path(str(out)).is_relative_to(workspace().root)


def _is_preview(job: Job) -> bool:
    """Whether an import only said what it would change."""
    return job.kind == "import" and bool(job.settings.get("preview"))
