"""How long an ablation will take, and how far it is: over all rows, each network and its masks counted once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comus_core.config import RunConfig
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.pipelines.ablation_rows import Ablation, Row, in_order, learned_from, predicted_by
from comus_core.pipelines.training_cost import training_cost
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


def cost_for(run: Run, ablation: Ablation, workspace: Workspace, device: str = "cpu") -> AblationCost:
    """The cost of the rows chosen, the images of the run and of every other data set counted.

    Raises:
        DatasetError: one of them cannot be opened.
    """
    own, request = run.config.dataset, ablation.request

    def count(spec: str | None) -> int | None:
        spec = absolute(spec) if spec else own
        return None if spec == own else len(open_dataset(spec, workspace.drawings, run.config.truth).files)

    counts = {"later": count(request.images), "scored": count(request.scored_on)}
    images = len(open_dataset(own, workspace.drawings, run.config.truth).files)
    return ablation_cost(ablation, images, workspace, device, **counts, config=run.config)


def ablation_cost(
    ablation: Ablation,
    images: int,
    workspace: Workspace,
    device: str = "cpu",
    *,
    later: int | None = None,
    scored: int | None = None,
    config: RunConfig | None = None,
) -> AblationCost:
    """The cost of the rows chosen over so many images; the arguments are those of `training_cost`."""
    shared = later is not None and ablation.request.images == ablation.request.scored_on
    options: dict[str, Any] = {"later": later, "scored": scored, "shared": shared, "config": config}
    known: set[object] = set()
    base = training_cost(ablation.settings, images, workspace, device, **options)
    rows, memory = [], base.memory_bytes
    for row, seed in in_order(ablation):
        stages = _seen_first(base.scored, "scored", known)
        if row.settings is not None:
            cost = training_cost(row.settings, images, workspace, device, **options)
            memory = max(memory, cost.memory_bytes)
            stages += _seen_first(cost.own, "own", known)
            if row.round > 1:
                stages += _seen_first(cost.later, "later", known)
            for number in range(1, row.round + 1):
                for stage, key, seconds in (
                    (f"round {number}", learned_from(ablation, row, seed, number), cost.training[number - 1]),
                    (f"round {number} masks", predicted_by(ablation, row, seed, number), cost.predicting),
                ):
                    if (stage, key) not in known:
                        stages.append((stage, seconds))
                    known.add((stage, key))
        rows.append(RowCost(row, seed, tuple(stages)))
    return AblationCost(tuple(rows), base.measured, memory)


def _seen_first(seconds: Mapping[str, float], images: str, known: set[object]) -> list[tuple[str, float]]:
    """The stages over images that no row before has looked at."""
    stages = [(stage, each) for stage, each in seconds.items() if each and (stage, images) not in known]
    known.update((stage, images) for stage, _ in stages)
    return stages


class Meter:
    """Turns the progress of each row's stages into that of the whole, in seconds of the estimate.

    The stage it reports is the row's name, its total that of all rows: a job's pace then tells of the whole.
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
        self._tell()

    def __call__(self, progress: Progress) -> None:
        """A stage of the row has come so far; may raise `Cancelled`."""
        assert self._cost is not None, "begin a row first"
        start = self._before
        for stage, seconds in self._cost.stages:
            if stage == progress.stage:
                self._at = max(self._at, start + seconds * progress.step / max(progress.total, 1))
            start += seconds
        self._tell()

    def _tell(self) -> None:
        assert self._cost is not None, "begin a row first"
        self._on_progress(Progress(self._cost.row.name, min(self._total, math.floor(self._at)), self._total))
