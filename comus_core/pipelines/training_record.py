"""The stored record of a training: how it begins, and what the first round's labels and each round add to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.pipelines.first_round import FirstRound, first_labels
from comus_core.pipelines.training_contexts import TrainingContexts
from comus_core.pipelines.training_cost import training_memory
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import label_map
from comus_core.runs.trained_categories import remembered
from comus_core.settings import from_dict, to_dict
from comus_core.stages import StageContext
from comus_core.training.settings import TrainingSettings, TrainSettings
from comus_core.types import ImageId
from comus_core.weights.registry import REGISTRY, Supervision, strongest
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layered import LayeredSet
from comus_core.workspace.trainings import Training


@dataclass(frozen=True)
class TrainingWork:
    """A training at work: of which run, with which settings and decisions, on which data sets, and whom it tells.

    Attributes:
        run: the run.
        settings: paths absolute.
        decided: what a person decided, with the filter of this training.
        contexts: the data sets.
        on_training: called with the training when it begins and after each round.
        log: called with what a person should know.
    """

    run: Run
    settings: TrainSettings
    decided: Decisions
    contexts: TrainingContexts
    on_training: Callable[[Training], None]
    log: Callable[[str], None]

    @property
    def workspace(self) -> Workspace:
        """Where the run is, and where the training goes."""
        return self.contexts.own.workspace


def excluded_images(work: TrainingWork, context: StageContext) -> frozenset[ImageId]:
    """The images of a data set of the training that a person excluded: some of the run's own, none of another."""
    return LayeredSet.of(work.decided.layout.excluded).plain() if context is work.contexts.own else frozenset()


def begin(work: TrainingWork) -> Training:
    """The row of the training: its settings, the pseudo-masks of the run's own clusters, the truth it is scored by."""
    run, settings, contexts = work.run, work.settings, work.contexts
    clusters = work.workspace.artifact(run, "clustering")
    labels, values = first_labels(contexts.own, run, clusters, work.decided), to_dict(settings)
    truth = contexts.scored.truth_fingerprint()
    names = label_map(work.decided, tables.read_clusters(clusters).count)
    result = {
        "run": run.id,
        "dataset": settings.scored_on or run.config.dataset,
        "truth_fingerprint": truth,
        "supervision": training_supervision(run, settings.training),
        "settings": values,
        "categories": remembered(names),
        "moved": 0.0,
        "decided": work.decided.version,
        "memory_estimate": training_memory(settings.training, len(contexts.own.dataset.files), contexts.own.device),
        "rounds": [],
    }
    number = digest([values, labels.fingerprint, truth])[:8]
    return Training(f"{run.id}-{number}", run.id, "running", values, {"labels-1": labels.fingerprint}, result)


def training_supervision(run: Run, settings: TrainingSettings | None) -> dict[str, str]:
    """The supervision, direct and inherited, of a run and of the backbone that is trained on it, if there is one."""
    parts = [Supervision(**run.provenance["supervision"])]
    if settings is not None:
        parts.append(REGISTRY[settings.network.backbone].supervision)
    return asdict(strongest(parts))


def settings_of(training: Training) -> TrainSettings:
    """The settings of a stored training.

    Raises:
        WorkspaceError: another version of this program wrote them.
    """
    try:
        return from_dict(TrainSettings, training.settings)
    except SettingsError as fault:
        raise WorkspaceError(
            f"training {training.id} is of another version of this program; train the run again ({fault})"
        ) from None


def with_truth(work: TrainingWork, training: Training) -> Training:
    """Check the ground truth that rounds are scored with before any of them is trained, and say what is in it."""
    context = work.contexts.scored
    if context.dataset.truth is None:
        return training
    work.contexts.checked(context)
    assert context.truth_report is not None, "who opens ground truth reports on it"
    work.log(context.truth_report.line)
    return _grown(work, training, result={"truth": context.truth_report.to_dict()})


def with_first_round(work: TrainingWork, training: Training, first: FirstRound) -> Training:
    """The training with what its first round learns."""
    artifacts = {"labels-1": first.labels}
    if first.classifier is not None:
        artifacts["classifier"] = first.classifier
    return _grown(work, training, artifacts, {"moved": first.moved})


def with_round(
    work: TrainingWork, training: Training, artifacts: Mapping[str, Artifact], entry: Mapping[str, Any]
) -> Training:
    """The training with one more round; whoever watches it is told."""
    grown = _grown(work, training, artifacts, {"rounds": [*training.result["rounds"], entry]})
    work.on_training(grown)
    return grown


def round_entry(
    number: int,
    evaluation: Mapping[str, Any] | None,
    seconds: float,
    memory: int | None = None,
    memory_at_most: bool = False,
) -> dict[str, Any]:
    """What `comus train --json` writes of a round.

    `evaluation` is that of `score_json`, None without ground truth; `memory` are bytes at the peak of the round, None
    where nothing was computed, `memory_at_most` whether the peak may be from before the round.
    """
    names = ("miou", "pixel_accuracy", "matching", "per_class")
    values = {name: evaluation[name] if evaluation else None for name in names}
    return {"round": number, **values, "seconds": round(seconds, 3), "memory": memory, "memory_at_most": memory_at_most}


def _grown(
    work: TrainingWork,
    training: Training,
    artifacts: Mapping[str, Artifact] | None = None,
    result: Mapping[str, Any] | None = None,
) -> Training:
    prints = {name: artifact.fingerprint for name, artifact in (artifacts or {}).items()}
    grown = replace(training, artifacts=training.artifacts | prints, result=training.result | dict(result or {}))
    return work.workspace.trainings.grow(grown)
