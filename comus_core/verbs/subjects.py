"""What verbs are asked of, between objects and the JSON that a job holds and the words of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comus_core.config import RunConfig
from comus_core.datasets.dataset import absolute, parse_dataset
from comus_core.errors import WorkspaceError
from comus_core.pipelines.relink import where_now
from comus_core.runs.run_round import find_round, split_round
from comus_core.settings import from_dict, require, to_dict
from comus_core.verbs.verb import SubjectKind
from comus_core.workspace import Run, Workspace

METAVARS: dict[SubjectKind, tuple[str, ...]] = {
    "run": ("RUN",),
    "round": ("RUN[@ROUND]",),
    "rounds": ("RUN[@ROUND]", "RUN[@ROUND]"),
    "dataset": ("DATASET",),
    "images": ("RUN|DATASET",),
    "file": ("FILE",),
    "workspace": (),
}


def as_json(kind: SubjectKind, subject: Any) -> Any:
    """A subject as a job holds it: settings, a run's id, RUN@ROUND, two of these, a data set's string, a path.

    "images" are those of a run, or of a data set.
    """
    if kind == "images":
        return as_json("run" if isinstance(subject, Run) else "dataset", subject)
    if kind == "config":
        return to_dict(subject)
    if kind == "run":
        return subject.id
    if kind == "round":
        return subject.key
    if kind == "rounds":
        return [one.key for one in subject]
    if kind == "dataset":
        require(bool(subject), "no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
        return absolute(subject)
    return str(Path(subject).resolve()) if kind == "file" else None


def opened(kind: SubjectKind, value: Any, workspace: Workspace) -> Any:
    """The subject that JSON stands for.

    Raises:
        SettingsError: settings of a run that are not valid.
        WorkspaceError: there is no such run or round.
    """
    if kind == "config":
        return from_dict(RunConfig, value)
    if kind == "run":
        return workspace.runs.find(value)
    if kind == "images":  # of a job: the id of a run, else the string of a data set
        return next((run for run in workspace.runs.all(archived=True) if run.id == value), value)
    if kind == "round":
        return find_round(workspace, *split_round(value))
    if kind == "rounds":
        return tuple(find_round(workspace, *split_round(one)) for one in value)
    return Path(value) if kind == "file" else value


def _run_or_dataset(words: str, workspace: Workspace) -> Run | str:
    """The data set that words name where there is such a folder, else the run of that id, name or beginning of an id.

    Raises:
        WorkspaceError: they fit several runs, or neither a run nor a data set.
    """
    address = parse_dataset(words)
    if address.root is None or address.root.exists():
        return words
    try:
        return workspace.runs.find(words)
    except WorkspaceError as fault:
        raise WorkspaceError(f"{fault}; nor is there a folder {address.root}") from None


def as_words(kind: SubjectKind, subject: Any) -> list[str]:
    """A subject as a command line names it."""
    value = subject if kind in ("dataset", "file") else as_json(kind, subject)
    return [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]


def of_words(kind: SubjectKind, words: Sequence[str], workspace: Workspace) -> Any:
    """The subject that a command line names.

    Raises:
        SettingsError: no number stands behind an `@`.
        WorkspaceError: there is no such run or round.
    """
    if kind == "images":
        return _run_or_dataset(next(iter(words), ""), workspace)
    return opened(kind, list(words) if kind == "rounds" else next(iter(words), None), workspace)


def run_of(subject: Any) -> str | None:
    """The id of the run that a subject is, or is a round of; None for others."""
    first = subject[0] if isinstance(subject, tuple) else subject
    run = getattr(first, "run", first)
    return run.id if isinstance(run, Run) else None


def resumed(kind: SubjectKind, value: Any, run: Run) -> Any:
    """The subject of a further attempt: settings read the images where the run that the first one began has them."""
    return to_dict(where_now(from_dict(RunConfig, value), run)) if kind == "config" else value
