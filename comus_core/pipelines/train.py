"""Teacher and students in order: pseudo-masks train a network, its masks of the images train the next (Algorithm 2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

from comus_core import stages
from comus_core.pipelines.first_round import FirstLesson, first_labels, first_lesson
from comus_core.pipelines.training_contexts import TrainingContexts, with_absolute_paths
from comus_core.pipelines.training_cost import remember_speed, training_memory
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import label_map
from comus_core.runs.proposal_predictions import of_proposals
from comus_core.runs.trained_categories import remembered, trained_names
from comus_core.runs.training_previews import examples_of, images_to_look_at, plan_looks, scored_ids
from comus_core.scoring.round_scores import score_round, score_table
from comus_core.scoring.run_scores import score_json, score_run
from comus_core.stages import StageContext
from comus_core.training.preview_plan import LookImages, LookPlan
from comus_core.training.settings import TrainingRequest, TrainingSettings, TrainSettings, asked
from comus_core.types import ImageId, IntArray, OnProgress, no_progress
from comus_core.weights import REGISTRY, Supervision, strongest
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.trainings import Training


def train(
    run: Run,
    workspace: Workspace,
    settings: TrainSettings | TrainingSettings,
    request: TrainingRequest | None = None,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_training: Callable[[Training], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> Training:
    """Train round after round on a run's pseudo-masks, reusing every round already trained.

    Args:
        run: a finished run.
        workspace: where it is.
        settings: of network, training and rounds.
        request: images, data set to be scored on, filter, seed.
        device: as in `discover`.
        on_progress: called at every step and every few images; raising `Cancelled` there stops cleanly.
        on_training: told of the training when it begins and after each round.
        log: told what a person should know, such as memory that ran out.

    Returns:
        The stored training; `training.result` is what `--json` writes.

    Raises:
        WorkspaceError: the run has no clusters yet.
        WeightsError: weights of the backbone, or of the encoder that is to name objects, are not here.
        DatasetError: an image of the run is gone or is another than it was.
        ComusError: a round's own fault; earlier rounds and the last checkpoint stay.
    """
    run.require_writable()
    if isinstance(settings, TrainSettings):
        request, settings = settings.request, settings.training
    from comus_core.device import choose_device
    from comus_core.training.team import joined
    from comus_core.training.tuning import kept_memory

    request, chosen = with_absolute_paths(request or TrainingRequest(), run), choose_device(device)
    with kept_memory(), joined(chosen) as (team, own_device):
        contexts = TrainingContexts(workspace, run, request, own_device, on_progress, team)
        return _train(run, workspace, settings, request, contexts, on_training, log)


def _train(
    run: Run,
    workspace: Workspace,
    settings: TrainingSettings,
    request: TrainingRequest,
    contexts: TrainingContexts,
    on_training: Callable[[Training], None],
    log: Callable[[str], None],
) -> Training:
    decided, own = _decisions(workspace, run, request), workspace.artifact(run, "clustering")
    # Whatever takes long comes after this: a training that is stopped in it is there to be resumed.
    training = _begin(contexts, run, settings, request, decided, first_labels(contexts.own, run, own, decided))
    with workspace.attempts.attempt(training.id, workspace.trainings.end):
        workspace.trainings.begin(training)
        on_training(training)
        images = contexts.checked(contexts.own)
        training = _with_truth(workspace, training, contexts, log)
        lesson = first_lesson(contexts.own, images, run, decided, settings, log)
        training = _with_lesson(workspace, training, lesson)
        labels, classifier, categories = lesson.labels, lesson.classifier, len(trained_names(training, decided))
        training = _score_round_0(training, contexts, workspace, run)
        on_training(training)
        context = contexts.own
        plan = _look_plan(contexts, workspace, run, decided, settings, training, classifier)
        for number in range(1, settings.rounds + 1):
            start = time.perf_counter()
            report = partial(workspace.trainings.note, training.id, number)
            looks = (plan, partial(workspace.trainings.note_look, training.id, number)) if plan else None
            trained = stages.network(context, settings, number, labels, images, categories, log, report, looks)
            _remember_speed(training, contexts.own.device, number, settings, workspace)
            made = {f"network-{number}": trained}
            made |= _predict(contexts, settings, trained, number, categories, classifier)
            told = contexts.own.on_progress
            made |= of_proposals(workspace, run, made[f"predictions-{number}"], number, on_progress=told)
            entry = _entry(contexts, workspace, run, made, number, training, time.perf_counter() - start)
            training = _with_round(workspace, training, made, entry)
            on_training(training)
            if number < settings.rounds:
                context, images = contexts.more, contexts.checked(contexts.more)
                stage = f"round {number + 1} labels"
                options: dict[str, Any] = {"saliency": settings.label_saliency, "soft": settings.soft}
                options["classifier"] = classifier
                labels = stages.predictions(context, settings, trained, images, categories, stage, **options)
        return workspace.trainings.finish(training)


def _look_plan(
    contexts: TrainingContexts,
    workspace: Workspace,
    run: Run,
    decided: Decisions,
    settings: TrainingSettings,
    training: Training,
    classifier: Artifact | None,
) -> LookPlan | None:
    """What the networks are tried on while they train; None where the settings say never."""
    if not settings.look_every:
        return None

    def looked_at(context: StageContext, ids: tuple[ImageId, ...]) -> LookImages:
        salient = settings.predict_saliency and ids
        maps = stages.soft_maps(context, contexts.checked(context)) if salient else None
        return images_to_look_at(context.dataset, ids, maps)

    scored = contexts.scored.dataset
    usable = tables.usable_ids(contexts.checked(contexts.scored)) if scored.truth is not None else []
    names = trained_names(training, decided)

    def miou(table: IntArray) -> float:
        assert scored.truth is not None, "nothing is scored without ground truth"
        return score_table(workspace, run, table, scored.truth.classes, names).miou

    examples = looked_at(contexts.own, examples_of(workspace, run, decided))
    tried = looked_at(contexts.scored, scored_ids(scored, usable))
    classify = stages.load_classifier(contexts.own, classifier) if classifier is not None else None
    return plan_looks(settings.look_every, examples, tried, scored.truth, len(names), miou, classify)


def _decisions(workspace: Workspace, run: Run, request: TrainingRequest) -> Decisions:
    decided = workspace.decisions_of(run)
    if request.filter_percent is None:
        return decided
    return replace(decided, filter_percent=request.filter_percent, cluster_percent={})


def _begin(
    contexts: TrainingContexts,
    run: Run,
    settings: TrainingSettings,
    request: TrainingRequest,
    decided: Decisions,
    labels: Artifact,
) -> Training:
    """A row of the question: what is asked, of which pseudo-masks of the run's own clusters, scored by which truth."""
    workspace, wanted = contexts.own.workspace, asked(settings, request)
    clusters = tables.read_clusters(workspace.artifact(run, "clustering")).count
    parts = [Supervision(**run.provenance["supervision"]), REGISTRY[settings.backbone].supervision]
    whole = strongest(parts)
    result = {
        "run": run.id,
        "dataset": request.scored_on or run.config.dataset,
        "truth_fingerprint": contexts.scored.truth_fingerprint(),
        "supervision": {"direct": whole.direct, "inherited": whole.inherited},
        "settings": wanted,
        "categories": remembered(label_map(decided, clusters)),
        "moved": 0.0,
        "decided": decided.version,
        "memory_estimate": training_memory(settings, len(contexts.own.dataset.files), contexts.own.device),
        "rounds": [],
    }
    question = [wanted, labels.fingerprint, result["truth_fingerprint"]]
    artifacts = {"labels-1": labels.fingerprint}
    return Training(f"{run.id}-{digest(question)[:8]}", run.id, "running", wanted, artifacts, result)


def _with_truth(
    workspace: Workspace, training: Training, contexts: TrainingContexts, log: Callable[[str], None]
) -> Training:
    """Check the ground truth that rounds are scored with before any of them is trained, and say what is in it."""
    if contexts.scored.dataset.truth is None:
        return training
    contexts.checked(contexts.scored)
    report = contexts.scored.truth_report
    assert report is not None, "who opens ground truth reports on it"
    log(report.line)
    return workspace.trainings.grow(replace(training, result=training.result | {"truth": report.to_dict()}))


def _with_lesson(workspace: Workspace, training: Training, lesson: FirstLesson) -> Training:
    artifacts = training.artifacts | {"labels-1": lesson.labels.fingerprint}
    artifacts |= {"classifier": lesson.classifier.fingerprint} if lesson.classifier is not None else {}
    result = training.result | {"moved": lesson.moved}
    return workspace.trainings.grow(replace(training, artifacts=artifacts, result=result))


def _score_round_0(training: Training, contexts: TrainingContexts, workspace: Workspace, run: Run) -> Training:
    """The run's own clusters on the images scored, every proposal (p = 0)."""
    from comus_core.pipelines.evaluate_dataset import evaluate_on

    context, start, evaluation = contexts.scored, time.perf_counter(), None
    if context is not contexts.own:
        options: dict[str, Any] = {"device": context.device, "on_progress": context.on_progress}
        found = evaluate_on(run, context.dataset.spec, workspace, **options)
        evaluation = found["evaluation"]
    elif context.dataset.truth is not None and "counts" in run.artifacts:
        evaluation = score_json(score_run(workspace, run).every)
    return _with_round(workspace, training, {}, _round(0, evaluation, time.perf_counter() - start))


def _predict(
    contexts: TrainingContexts,
    settings: TrainingSettings,
    trained: Artifact,
    number: int,
    categories: int,
    classifier: Artifact | None,
) -> dict[str, Artifact]:
    context, stage = contexts.scored, f"round {number}"
    images = contexts.checked(context)
    # What the next round learns from is predicted once: with all it needs, where it is scored on the same images.
    once = context is contexts.more and settings.label_saliency == settings.predict_saliency
    options: dict[str, Any] = {"saliency": settings.predict_saliency, "classifier": classifier}
    options |= {"soft": settings.soft and number < settings.rounds and once}
    predicted = stages.predictions(context, settings, trained, images, categories, f"{stage} masks", **options)
    made = {f"predictions-{number}": predicted}
    if context.dataset.truth is not None:
        made[f"counts-{number}"] = stages.round_counts(context, predicted, categories, stage=f"{stage} scores")
    return made


def _entry(
    contexts: TrainingContexts,
    workspace: Workspace,
    run: Run,
    made: dict[str, Artifact],
    number: int,
    training: Training,
    seconds: float,
) -> dict[str, Any]:
    context, counts = contexts.scored, made.get(f"counts-{number}")
    evaluation = None
    if counts is not None and context.dataset.truth is not None:
        names = trained_names(training, workspace.decisions_of(run))
        classes = context.dataset.truth.classes
        evaluation = score_json(score_round(workspace, run, counts, len(names), classes, names))
    return _round(number, evaluation, seconds, *contexts.peak_of_round(number))


def _round(
    number: int, evaluation: dict[str, Any] | None, seconds: float, memory: int | None = None, at_most: bool = False
) -> dict[str, Any]:
    kept = ("miou", "pixel_accuracy", "matching", "per_class")
    values = {k: evaluation[k] if evaluation else None for k in kept}
    return {"round": number, **values, "seconds": round(seconds, 3), "memory": memory, "memory_at_most": at_most}


def _remember_speed(
    training: Training, device: str, number: int, settings: TrainingSettings, workspace: Workspace
) -> None:
    speeds = [record["images_per_second"] for record in workspace.trainings.steps(training.id).get(number, [])]
    if speeds:
        remember_speed(workspace, settings, device, median(speeds))


def _with_round(workspace: Workspace, training: Training, made: dict[str, Artifact], entry: dict[str, Any]) -> Training:
    artifacts = training.artifacts | {name: artifact.fingerprint for name, artifact in made.items()}
    result = training.result | {"rounds": [*training.result["rounds"], entry]}
    return workspace.trainings.grow(replace(training, artifacts=artifacts, result=result))
