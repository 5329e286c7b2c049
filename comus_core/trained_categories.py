"""Which categories a network was trained on: those decided when its training began, whatever was decided since."""

from __future__ import annotations

from typing import Any

from comus_core.label_map import LabelMap
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.trainings import Training


def remembered(labels: LabelMap) -> list[dict[str, Any]]:
    """The id and name of each category, as the result of a training holds them: its masks hold their place + 1."""
    return [{"id": k, "name": name} for k, name in zip(labels.ids, labels.names, strict=True)]


def trained_ids(training: Training) -> tuple[int, ...]:
    """(C,) ids of the categories that the network tells apart."""
    return tuple(int(category["id"]) for category in training.result["categories"])


def trained_names(training: Training, decided: Decisions) -> tuple[str, ...]:
    """(C,) their names: what a person calls them now, else what they were called at the time."""
    return tuple(decided.names.get(int(c["id"]), str(c["name"])) for c in training.result["categories"])
