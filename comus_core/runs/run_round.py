"""A round of a run, by name and number."""

from __future__ import annotations

from dataclasses import dataclass

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training


@dataclass(frozen=True)
class RunRound:
    """A round of a run: 0 is its clusters, later ones need the training that they are of."""

    run: Run
    number: int
    training: Training | None = None

    @property
    def key(self) -> str:
        """How it is called in addresses and on the command line: RUN@0, TRAINING@1."""
        return f"{self.training.id if self.training else self.run.id}@{self.number}"

    @property
    def reference(self) -> dict[str, str | int | None]:
        """Its run, number and training, as results in JSON name it."""
        return {"run": self.run.id, "round": self.number, "training": self.training.id if self.training else None}

    @property
    def supervision(self) -> dict[str, str]:
        """Direct and inherited."""
        return dict(self.training.result["supervision"] if self.training else self.run.provenance["supervision"])

    @property
    def dataset(self) -> str:
        """The data set that it is scored on, and whose images it has masks of."""
        return (self.training.scored_on if self.training else None) or self.run.config.dataset

    @property
    def truth(self) -> str:
        """The fingerprint of the ground truth that it is scored with, "" without one."""
        if self.training is None:
            return str(self.run.provenance.get("truth", ""))
        return str(self.training.result.get("truth_fingerprint", ""))


def split_round(text: str) -> tuple[str, int]:
    """The name and the number in RUN@ROUND; without an `@`, round 0.

    Raises:
        SettingsError: no number stands behind the `@`.
    """
    name, at, number = text.rpartition("@")
    if not at:
        return text, 0
    if not number.isdecimal():
        raise SettingsError(f"{text}: write RUN@ROUND, such as {name}@1")
    return name, int(number)


def find_round(workspace: Workspace, name: str, number: int) -> RunRound:
    """The round of a run or of a single training; of a run's trainings the one last touched that has it.

    `name` is a run's as everywhere, or a training's id as `comus train` tells it.

    Raises:
        WorkspaceError: there is no such run, training or round.
    """
    try:
        training = workspace.trainings.get(name)
    except WorkspaceError:
        run = workspace.runs.find(name)
        return RunRound(run, number, workspace.trainings.with_round(run.id, number) if number else None)
    run = workspace.runs.get(training.run)
    if number and f"network-{number}" not in training.artifacts:
        raise WorkspaceError(f"training {name} has no round {number}")
    return RunRound(run, number, training if number else None)
