"""A trained round on another data set: `comus evaluate RUN@ROUND DATASET`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from comus_core import stages
from comus_core.config import Matching
from comus_core.datasets.dataset import Dataset, open_dataset
from comus_core.pipelines.discover import result_json
from comus_core.pipelines.training_record import settings_of
from comus_core.runs import artifact_readers as tables
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.round_scores import score_round
from comus_core.scoring.run_scores import score_json
from comus_core.settings import check_choice
from comus_core.stages import StageContext
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.trainings import Training


def evaluate_round(
    run: Run,
    number: int,
    dataset: str,
    workspace: Workspace,
    *,
    matching: Matching | None = None,
    matching_from: str | None = None,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Predict and score another data set with a round of the run's last training.

    Args:
        run: a run that was trained.
        number: of the round, 1 for the teacher.
        dataset: the data set's string.
        workspace: where the run is, and where the predictions go.
        matching: `auto`, `hungarian` or `majority`; None is the run's own.
        matching_from: a run whose matching is frozen.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores"); a network filters nothing: `evaluation_filtered` is null.

    Raises:
        WorkspaceError: the run has no such round.
        DatasetError: none of the images is usable.
    """
    check_choice("matching", matching or run.config.matching, Matching)
    training = workspace.trainings.with_round(run.id, number)
    done = apply_round(run, training, number, dataset, workspace, device=device, on_progress=on_progress)
    names, evaluation = done.names, None
    if done.counts is not None:
        options = (matching, matching_from)
        evaluation = score_round(workspace, run, done.counts, len(names), done.classes, names, *options)
    clusters = tables.read_clusters(workspace.artifact(run, "clustering")).count
    result = result_json(run, done.context, {"images": done.images}, clusters, None)
    return result | {
        "round": number,
        "supervision": training.result["supervision"],
        "matching": evaluation.matching if evaluation else result["matching"],
        "evaluation": score_json(evaluation) if evaluation else None,
        "predictions": str(done.predicted.file("masks")),
    }


@dataclass(frozen=True)
class AppliedRound:
    """A round's masks of a data set, the names of its C categories, and the pixel counts, None without ground truth."""

    context: StageContext
    images: Artifact
    names: tuple[str, ...]
    predicted: Artifact
    counts: Artifact | None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the ground truth, background first."""
        truth = self.context.dataset.truth
        return truth.classes if truth is not None else ()


def apply_round(
    run: Run,
    training: Training,
    number: int,
    dataset: str | Dataset,
    workspace: Workspace,
    *,
    saliency: float | None = None,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> AppliedRound:
    """Predict a data set with round `number` of a training of the run, and count it; what is there is reused.

    `saliency` is the weight of the run's saliency in what is object; None is the training's own.
    """
    from comus_core.device import choose_device

    settings = settings_of(training).training
    trained = workspace.artifacts.get("network", training.artifacts[f"network-{number}"])
    other = open_dataset(dataset, workspace.drawings, run.config.truth) if isinstance(dataset, str) else dataset
    prediction = settings.prediction if saliency is None else replace(settings.prediction, saliency=saliency)
    config = replace(run.config, dataset=other.spec)
    context = StageContext(workspace, other, config, choose_device(device), on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    stages.check_truth(context, images)
    names = trained_names(training, workspace.decisions_of(run))
    learned = training.artifacts.get("classifier")
    classifier = workspace.artifacts.get("classifier", learned) if learned else None
    network = stages.TrainedNetwork(trained, settings.network, len(names), classifier)
    predicted = stages.predictions(context, network, prediction, images)
    counts = stages.round_counts(context, predicted, len(names)) if other.truth is not None else None
    return AppliedRound(context, images, names, predicted, counts)
