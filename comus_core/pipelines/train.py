"""Teacher and students in order: pseudo-masks train a network, its masks of the images train the next (Algorithm 2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from comus_core import stages
from comus_core.pipelines.first_round import first_round
from comus_core.pipelines.training_contexts import TrainingContexts, with_absolute_paths
from comus_core.pipelines.training_cost import remember_speed
from comus_core.pipelines.training_previews import preview_plan
from comus_core.pipelines.training_record import (
    TrainingWork,
    begin,
    excluded_images,
    round_entry,
    with_first_round,
    with_round,
    with_truth,
)
from comus_core.runs.proposal_predictions import of_proposals
from comus_core.runs.run_round import RunRound
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.round_scores import score_predictions, score_round
from comus_core.scoring.score_json import score_json
from comus_core.stages import RoundInputs, RoundObserver, StageContext, TrainedNetwork
from comus_core.training.preview_plan import PreviewPlan
from comus_core.training.settings import TrainSettings
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.trainings import Training


def train(
    run: Run,
    workspace: Workspace,
    settings: TrainSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_training: Callable[[Training], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> Training:
    """Train round after round on a run's pseudo-masks, reusing every round already trained.

    `on_training` is called with the training when it begins and after each round, `log` with what a person should know,
    such as memory that ran out.

    Returns:
        The stored training; `training.result` is what `--json` writes.

    Raises:
        WorkspaceError: the run has no clusters yet.
        WeightsError: weights of the backbone, or of the encoder that is to name objects, are not here.
        DatasetError: an image of the run is gone or is another than it was.
        ComusError: a round's own fault; earlier rounds and the last checkpoint stay.
    """
    run.require_own_images()
    from comus_core.machine.device import choose_device
    from comus_core.training.team import joined
    from comus_core.training.tuning import kept_memory

    settings = with_absolute_paths(settings, run)
    with kept_memory(), joined(choose_device(device)) as (team, own_device):
        contexts = TrainingContexts(workspace, run, settings, own_device, on_progress, team)
        work = TrainingWork(run, settings, _decisions(workspace, run, settings), contexts, on_training, log)
        # Whatever takes long comes after this: a training that is stopped in it is there to be resumed.
        training = begin(work)
        with workspace.trainings.attempt(training.id):
            workspace.trainings.begin(training)
            on_training(training)
            return workspace.trainings.finish(_all_rounds(work, training))


@dataclass(frozen=True)
class _TrainingSet:
    """What a round trains on: checked images of a data set, and their masks."""

    context: StageContext
    images: Artifact
    labels: Artifact


@dataclass(frozen=True)
class _Rounds:
    """What all rounds of a training have in common, beside the training's own work.

    Attributes:
        categories: C.
        classifier: names objects; None: the networks alone do.
        previews: what networks are tried on while they train; None: no previews.
    """

    work: TrainingWork
    categories: int
    classifier: Artifact | None
    previews: PreviewPlan | None


def _all_rounds(work: TrainingWork, training: Training) -> Training:
    """Round 0, which is the run's own clusters, then every round trained on the one before."""
    own, settings = work.contexts.own, work.settings.training
    images = work.contexts.checked(own)
    training = with_truth(work, training)
    first = first_round(own, images, work.run, work.decided, settings, work.log)
    training = _round_0(work, with_first_round(work, training, first))
    names = trained_names(training, work.decided)
    rounds = _Rounds(work, len(names), first.classifier, preview_plan(work, names, first.classifier))
    training_set = _TrainingSet(own, images, first.labels)
    for number in range(1, settings.rounds + 1):
        training, network = _round(rounds, training, number, training_set)
        if number < settings.rounds:
            training_set = _labelled(rounds, network, number + 1)
    return training


def _round_0(work: TrainingWork, training: Training) -> Training:
    """The score of the run's own clusters on the images scored, every proposal (p = 0)."""
    from comus_core.pipelines.evaluate import evaluate
    from comus_core.pipelines.verb_settings import EvaluateSettings

    context, start, evaluation = work.contexts.scored, time.perf_counter(), None
    if context is not work.contexts.own:
        evaluation = evaluate(
            RunRound(work.run, 0),
            work.workspace,
            EvaluateSettings(context.dataset.spec),
            device=context.device,
            on_progress=context.on_progress,
        )["evaluation"]
    elif context.dataset.truth is not None and "counts" in work.run.artifacts:
        evaluation = score_json(score_round(work.workspace, RunRound(work.run, 0)).score)
    return with_round(work, training, {}, round_entry(0, evaluation, time.perf_counter() - start))


def _round(
    rounds: _Rounds, training: Training, number: int, training_set: _TrainingSet
) -> tuple[Training, TrainedNetwork]:
    """Train a network, predict and score with it, and note the round."""
    work, start = rounds.work, time.perf_counter()
    network = _trained(rounds, training, number, training_set)
    predicted = _predicted(rounds, network, number)
    counts = _counts(rounds, predicted, number)
    artifacts = {f"network-{number}": network.artifact, f"predictions-{number}": predicted}
    artifacts |= {f"counts-{number}": counts} if counts is not None else {}
    artifacts |= of_proposals(work.workspace, work.run, predicted, number, on_progress=work.contexts.own.on_progress)
    score, seconds = _score(work, training, number, counts), time.perf_counter() - start
    entry = round_entry(number, score, seconds, *work.contexts.peak_of_round(number))
    return with_round(work, training, artifacts, entry), network


def _trained(rounds: _Rounds, training: Training, number: int, training_set: _TrainingSet) -> TrainedNetwork:
    work, settings, trainings = rounds.work, rounds.work.settings.training, rounds.work.workspace.trainings
    observer = RoundObserver(
        work.log,
        partial(trainings.note, training.id, number),
        partial(trainings.note_preview, training.id, number),
        rounds.previews,
    )
    excluded = excluded_images(work, training_set.context)
    inputs = RoundInputs(number, settings, training_set.labels, training_set.images, rounds.categories, excluded)
    artifact = stages.network(training_set.context, inputs, observer)
    speeds = [record["images_per_second"] for record in trainings.steps(training.id).get(number, [])]
    if speeds:
        remember_speed(work.workspace, settings, work.contexts.own.device, median(speeds))
    return TrainedNetwork(artifact, settings.network, rounds.categories, rounds.classifier)


def _predicted(rounds: _Rounds, network: TrainedNetwork, number: int) -> Artifact:
    """The round's masks of the images that it is scored on."""
    contexts, settings = rounds.work.contexts, rounds.work.settings.training
    # What the next round learns from is predicted once, with all it needs, where it is scored on the same images.
    once = contexts.scored is contexts.more and settings.labelling == settings.prediction
    soft = settings.labels.soft and number < settings.rounds and once
    images, stage = contexts.checked(contexts.scored), f"round {number} masks"
    return stages.predictions(contexts.scored, network, settings.prediction, images, soft=soft, stage=stage)


def _labelled(rounds: _Rounds, network: TrainedNetwork, number: int) -> _TrainingSet:
    """What round `number` trains on: the masks that the network before it, its teacher, gives the images."""
    contexts, settings = rounds.work.contexts, rounds.work.settings.training
    images, stage = contexts.checked(contexts.more), f"round {number} labels"
    soft = settings.labels.soft
    labels = stages.predictions(contexts.more, network, settings.labelling, images, soft=soft, stage=stage)
    return _TrainingSet(contexts.more, images, labels)


def _counts(rounds: _Rounds, predicted: Artifact, number: int) -> Artifact | None:
    context = rounds.work.contexts.scored
    if context.dataset.truth is None:
        return None
    return stages.round_counts(context, predicted, rounds.categories, stage=f"round {number} scores")


def _score(work: TrainingWork, training: Training, number: int, counts: Artifact | None) -> dict[str, object] | None:
    truth = work.contexts.scored.dataset.truth
    if counts is None or truth is None:
        return None
    names = trained_names(training, work.workspace.decisions_of(work.run))
    subject, dataset = RunRound(work.run, number, training), work.contexts.scored.dataset.spec
    return score_json(score_predictions(work.workspace, subject, counts, names, dataset, truth.classes).score)


def _decisions(workspace: Workspace, run: Run, settings: TrainSettings) -> Decisions:
    decided = workspace.decisions_of(run)
    if settings.filter_percent is None:
        return decided
    return replace(decided, filter_percent=settings.filter_percent, cluster_percent={})
