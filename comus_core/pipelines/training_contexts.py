"""The data sets of a training: its own images, more to learn from, and those it is scored on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from comus_core import stages
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.runs.run_truth import open_own, require_same_truth
from comus_core.stages import StageContext
from comus_core.training.settings import TrainSettings
from comus_core.types import OnProgress
from comus_core.workspace import Artifact, Run, Workspace

if TYPE_CHECKING:
    from comus_core.training.team import Team

AnySettings = TypeVar("AnySettings", TrainSettings, AblationSettings)


class TrainingContexts:
    """The data sets of a training, each opened and checked once: the run's own, more images, those scored on.

    Raises:
        DatasetError: one cannot be opened, or the run's own is scored and has other annotations than the run saw.
    """

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        settings: TrainSettings,
        device: str,
        on_progress: OnProgress,
        team: Team,
    ) -> None:
        self._by_dataset: dict[str, StageContext] = {}
        self._checked: dict[str, Artifact] = {}

        def context(spec: str | None) -> StageContext:
            spec = spec or run.config.dataset
            if spec not in self._by_dataset:
                config = replace(run.config, dataset=spec, seed=settings.seed)
                own = spec == run.config.dataset
                dataset = open_own(workspace, run) if own else open_dataset(spec, workspace.drawings, run.config.truth)
                self._by_dataset[spec] = StageContext(workspace, dataset, config, device, on_progress, team=team)
            return self._by_dataset[spec]

        self.own, self.more, self.scored = context(None), context(settings.images), context(settings.scored_on)
        if self.scored is self.own:
            require_same_truth(workspace, run, self.own.dataset)

    def peak_of_round(self, number: int) -> tuple[int | None, bool]:
        """Bytes of memory at the peak of a round, None if nothing of it was computed; and whether that is at most."""
        stage, contexts = f"round {number}", self._by_dataset.values()
        peaks = [b for c in contexts for name, b in c.memory.items() if name == stage or name.startswith(f"{stage} ")]
        return max(peaks, default=None), any(context.memory_at_most for context in contexts)

    def checked(self, context: StageContext) -> Artifact:
        """The checked images of a data set.

        Raises:
            DatasetError: none of them is usable.
        """
        spec = context.config.dataset
        if spec not in self._checked:
            self._checked[spec] = stages.check_images(context)
            stages.require_usable(context, self._checked[spec])
            if context is self.scored:
                stages.check_truth(context, self._checked[spec])
        return self._checked[spec]


def with_absolute_paths(settings: AnySettings, run: Run) -> AnySettings:
    """The settings with absolute paths; the run's own data set is None, so that it is meant wherever it lies later."""

    def path(spec: str | None) -> str | None:
        full = absolute(spec) if spec else None
        return None if full == run.config.dataset else full

    return replace(settings, images=path(settings.images), scored_on=path(settings.scored_on))
