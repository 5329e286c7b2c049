"""Which categories a network was trained on: those decided when its training began, whatever was decided since."""

from __future__ import annotations

from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.runs.label_map import LabelMap
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.trainings import Training


def remembered(labels: LabelMap) -> list[dict[str, Any]]:
    """The id and name of each category, as the result of a training holds them: its masks hold their place + 1."""
    return [{"id": k, "name": name} for k, name in zip(labels.ids, labels.names, strict=True)]


def trained_ids(training: Training) -> tuple[int, ...]:
    """(C,) ids of the categories that the network tells apart.

    Raises:
        WorkspaceError: as `trained_names`.
    """
    return tuple(int(category["id"]) for category in _categories(training))


def trained_names(training: Training, decided: Decisions) -> tuple[str, ...]:
    """(C,) their names: what a person calls them now, else what they were called at the time.

    Raises:
        WorkspaceError: the training is older than this memory.
    """
    return tuple(decided.names.get(int(c["id"]), str(c["name"])) for c in _categories(training))


def decided_then(workspace: Workspace, run: Run, training: Training) -> Decisions:
    """What was decided when the training began: its pseudo-masks are of these categories."""
    _categories(training)
    return workspace.decisions.read_at(run.id, run.artifacts["clustering"], training.result["decided"])


def _categories(training: Training) -> list[dict[str, Any]]:
    if "categories" not in training.result:
        raise WorkspaceError(f"training {training.id} does not know its categories: it is older; train the run again")
    return list(training.result["categories"])
