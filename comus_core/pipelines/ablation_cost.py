"""How long an ablation will take, and how far it is: over all rows, each network and its masks counted once."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from comus_core.config import RunConfig
from comus_core.datasets.chosen_images import open_chosen
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.pipelines.ablation_rows import AblationSettings, Row, in_order
from comus_core.pipelines.training_cost import TrainingCost, TrainingImages, training_cost
from comus_core.types import OnProgress, Progress
from comus_core.workspace import Run, Workspace

ROW_SECONDS = 1.0  # opening, matching and scoring of a row of which all else is there


@dataclass(frozen=True)
class RowCost:
    """Seconds of each stage of a row and seed that no row before it has done, in the order of the work."""

    row: Row
    seed: int
    stages: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """Seconds of the row."""
        return ROW_SECONDS + sum(seconds for _, seconds in self.stages)


@dataclass(frozen=True)
class AblationCost:
    """What all rows will take.

    Attributes:
        rows: seconds of each.
        measured: whether earlier trainings on this machine gave the speed.
        memory_bytes: of main memory at the peak.
    """

    rows: tuple[RowCost, ...]
    measured: bool
    memory_bytes: int

    @property
    def total(self) -> float:
        """Seconds of the ablation, if nothing of it is there yet."""
        return sum(row.total for row in self.rows)


def cost_for(run: Run, ablation: AblationSettings, workspace: Workspace, device: str = "cpu") -> AblationCost:
    """The cost of the rows chosen, the images of the run and of every other data set counted.

    Raises:
        DatasetError: one of them cannot be opened.
    """
    own = run.config.dataset
    later, scored = (absolute(spec) if spec else own for spec in (ablation.images, ablation.scored_on))
    counts = {
        spec: len(open_chosen(run.config, workspace.drawings).files)
        if spec == own
        else len(open_dataset(spec, workspace.drawings, run.config.truth).files)
        for spec in {own, later, scored}
    }
    images = TrainingImages(
        counts[own],
        counts[later] if later != own else None,
        counts[scored] if scored != own else None,
        shared=later == scored != own,
    )
    return ablation_cost(ablation, images, workspace, device, config=run.config)


def ablation_cost(
    ablation: AblationSettings,
    images: TrainingImages,
    workspace: Workspace,
    device: str = "cpu",
    *,
    config: RunConfig | None = None,
) -> AblationCost:
    """The cost of the rows chosen; the other arguments are those of `training_cost`."""
    counted: set[Hashable] = set()
    base = training_cost(ablation.training, images, workspace, device, config=config)
    rows, memory = [], base.memory_bytes
    for row, seed in in_order(ablation):
        stages = _not_counted(base.scored, "scored", counted)
        if row.settings is not None:
            cost = training_cost(row.settings, images, workspace, device, config=config)
            memory = max(memory, cost.memory_bytes)
            stages += _trained_stages(ablation, row, seed, cost, counted)
        rows.append(RowCost(row, seed, tuple(stages)))
    return AblationCost(tuple(rows), base.measured, memory)


def network_identity(ablation: AblationSettings, row: Row, seed: int, number: int) -> tuple[Hashable, ...]:
    """What decides a network, so that two rows of the same one are known to share it before either is trained."""
    question = ablation.question(row, seed)
    settings = question.training
    own = (seed, number, settings.epochs_of(number), settings.network, settings.optimisation)
    if number == 1:
        surroundings = settings.labels.surroundings if settings.labels.regroup else None
        return (*own, question.filter_percent, surroundings)
    return (*own, settings.labels, masks_identity(ablation, row, seed, number - 1))


def masks_identity(ablation: AblationSettings, row: Row, seed: int, number: int) -> tuple[Hashable, ...]:
    """What decides a network's masks."""
    settings = ablation.question(row, seed).training
    surroundings = settings.labels.surroundings if settings.prediction.classifier_share else None
    network = network_identity(ablation, row, seed, number)
    return (network, surroundings, settings.prediction, settings.labels.saliency)


def _trained_stages(
    ablation: AblationSettings, row: Row, seed: int, cost: TrainingCost, counted: set[Hashable]
) -> list[tuple[str, float]]:
    """The stages of a trained row that no row before it has done."""
    stages = _not_counted(cost.own, "own", counted)
    if row.round > 1:
        stages += _not_counted(cost.later, "later", counted)
    for number in range(1, row.round + 1):
        network = {f"round {number}": cost.training[number - 1]}
        stages += _not_counted(network, network_identity(ablation, row, seed, number), counted)
        masks = {f"round {number} masks": cost.predicting}
        stages += _not_counted(masks, masks_identity(ablation, row, seed, number), counted)
    return stages


def _not_counted(seconds: Mapping[str, float], identity: Hashable, counted: set[Hashable]) -> list[tuple[str, float]]:
    """The stages of that identity that were not counted yet; they are from here on."""
    stages = [(stage, each) for stage, each in seconds.items() if each and (stage, identity) not in counted]
    counted.update((stage, identity) for stage, _ in stages)
    return stages


class Meter:
    """Turns the progress of each row's stages into that of all rows, in seconds of the estimate.

    The stage it reports is the row's name, its total that of all rows: a job's pace is then that of the ablation.
    """

    def __init__(self, costs: Sequence[RowCost], on_progress: OnProgress) -> None:
        self._costs, self._on_progress = {(cost.row.name, cost.seed): cost for cost in costs}, on_progress
        self._total = max(1, math.ceil(sum(cost.total for cost in costs)))
        self._before = self._at = 0.0
        self._cost: RowCost | None = None

    def begin(self, row: Row, seed: int) -> None:
        """The next row is at work; the one before it is through."""
        if self._cost is not None:
            self._before += self._cost.total
        self._cost, self._at = self._costs[row.name, seed], self._before
        self._report()

    def __call__(self, progress: Progress) -> None:
        """A stage of the row has come so far; may raise `Cancelled`."""
        assert self._cost is not None, "begin a row first"
        start = self._before
        for stage, seconds in self._cost.stages:
            if stage == progress.stage:
                self._at = max(self._at, start + seconds * progress.step / max(progress.total, 1))
            start += seconds
        self._report()

    def _report(self) -> None:
        assert self._cost is not None, "begin a row first"
        self._on_progress(Progress(self._cost.row.name, min(self._total, math.floor(self._at)), self._total))
