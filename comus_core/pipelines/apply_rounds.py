"""A round of a run on other images: proposals found and assigned as the run's were, or a network that predicts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec

from comus_core import stages
from comus_core.config import Assign
from comus_core.datasets.chosen_images import open_chosen
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.records import Dataset
from comus_core.evaluation.protocols import Protocol
from comus_core.pipelines.training_record import settings_of
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import RunRound
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.settings import require
from comus_core.stages import StageContext
from comus_core.stages.assignment import assign_choice, assignment
from comus_core.stages.learned_detector import learned_in
from comus_core.types import OnProgress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.trainings import Training


@dataclass(frozen=True)
class AppliedRound:
    """A round on other images.

    Attributes:
        context: of these images.
        made: kind -> artifact: `images`; of round 0 `soft_maps`, `proposals`, and where there are any `features` and
            `assignment`, with ground truth `counts`; of a network `predictions`, with ground truth `round_counts`.
        ids: (C,) of its categories.
        names: (C,) as they are called now.
    """

    context: StageContext
    made: dict[str, Artifact]
    ids: tuple[int, ...]
    names: tuple[str, ...]


def context_on(
    run: Run, dataset: str | Dataset, workspace: Workspace, device: str, on_progress: OnProgress
) -> StageContext:
    """What the stages need to treat other images as the run treated its own."""
    from comus_core.machine.device import choose_device

    if dataset == run.config.dataset:
        other = open_chosen(run.config, workspace.drawings)
    else:
        other = open_dataset(dataset, workspace.drawings, run.config.truth) if isinstance(dataset, str) else dataset
    config = run.config if other.spec == run.config.dataset else replace(run.config, exclude=(), only=())
    config = replace(config, dataset=other.spec)
    learned = learned_in(workspace, run)
    return StageContext(workspace, other, config, choose_device(device), on_progress, learned=learned)


def check_images(context: StageContext) -> Artifact:
    """The images, and their ground truth, looked at once.

    Raises:
        DatasetError: none is usable, or the ground truth cannot be used.
    """
    images = stages.check_images(context)
    stages.require_usable(context, images)
    stages.check_truth(context, images)
    return images


def find_proposals(context: StageContext) -> dict[str, Artifact]:
    """`images`, `soft_maps` and `proposals`, found as the run's were."""
    images = check_images(context)
    soft_maps = stages.soft_maps(context, images)
    return {"images": images, "soft_maps": soft_maps, "proposals": stages.proposals(context, images, soft_maps)}


def describe_proposals(context: StageContext, made: dict[str, Artifact]) -> dict[str, Artifact]:
    """The same with their `features`; of the proposals those that have some.

    Raises:
        DatasetError: there is no proposal.
    """
    features = stages.features(context, made["proposals"])
    proposals = stages.with_features(context, made["proposals"], features)
    return made | {"features": features, "proposals": proposals}


def apply_round(
    subject: RunRound,
    dataset: str | Dataset,
    workspace: Workspace,
    *,
    assign: Assign | None = None,
    may_be_empty: bool = False,
    saliency: float | None = None,
    network_only: bool = False,
    protocol: Protocol | None = None,
    device: str,
    on_progress: OnProgress,
) -> AppliedRound:
    """A round on a data set, counted where there is ground truth; what is there is reused.

    In round 0, without `assign` proposals join by nearest neighbours, and the images may hold none at all only where
    they `may_be_empty`. `saliency` is the weight of the run's saliency in what a network takes for an object; None is
    the training's own. `network_only` leaves out all but the network, see `PredictionSettings.network_alone`.
    `protocol` decides how a network predicts and at what size it is counted; None is as it was trained.

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: Nyström is wanted of a run without a spectral embedding, or a way to assign of a network; a
            protocol that is of networks, of round 0, or one that needs a package that is not installed.
    """
    if protocol is not None and protocol.network:
        require_network(subject, protocol)
    require(
        assign is None or subject.training is None,
        f"assign {assign}: round {subject.number} is a network and assigns no proposals; leave assign out",
    )
    how = assign_choice(subject.run, assign)
    context = context_on(subject.run, dataset, workspace, device, on_progress)
    if subject.training is not None:
        return _apply_network(context, subject, subject.training, saliency, network_only, protocol)
    return _apply_clusters(context, subject.run, how, may_be_empty)


def require_network(subject: RunRound, protocol: Protocol) -> None:
    """Raise `SettingsError` where a protocol that is of networks cannot be used for a round."""
    known = f"{subject.run.id}@1 once it is trained"
    require(
        subject.training is not None,
        f"protocol {protocol.name} mirrors the image and refines by a CRF, which only networks support: "
        f"choose a trained round, such as {known}, or the protocol comus",
    )
    installed = find_spec("pydensecrf") is not None
    require(installed, f"protocol {protocol.name} needs the CRF of pydensecrf: `pip install pydensecrf2`")


def _apply_clusters(context: StageContext, run: Run, assign: Assign, may_be_empty: bool) -> AppliedRound:
    made, decided = find_proposals(context), context.workspace.decisions_of(run)
    if made["proposals"].table(["proposal_id"]).num_rows or not may_be_empty:
        made = describe_proposals(context, made)
        made["assignment"] = assignment(context, run, made["features"], assign)
    if context.dataset.truth is not None:
        made["counts"] = stages.counts(context, made["images"], made["proposals"])
    clusters = tables.read_clusters(context.workspace.artifact(run, "clustering"))
    ids = tables.categories_of(clusters, decided).ids
    return AppliedRound(context, made, ids, tuple(decided.name_of(k) for k in ids))


def _apply_network(
    context: StageContext,
    subject: RunRound,
    training: Training,
    saliency: float | None,
    network_only: bool,
    protocol: Protocol | None,
) -> AppliedRound:
    store, settings = context.workspace.artifacts, settings_of(training).training
    trained = store.get("network", training.artifacts[f"network-{subject.number}"])
    images, ids = check_images(context), trained_ids(training)
    learned = training.artifacts.get("classifier")
    prediction = settings.prediction if saliency is None else replace(settings.prediction, saliency=saliency)
    prediction = prediction.network_alone if network_only else prediction
    if protocol is not None and protocol.network:
        prediction = replace(prediction, flip=True, refine="crf")
    classifier = store.get("classifier", learned) if learned and not network_only else None
    network = stages.TrainedNetwork(trained, settings.network, len(ids), classifier)
    predicted = stages.predictions(context, network, prediction, images)
    made = {"images": images, "predictions": predicted}
    if context.dataset.truth is not None:
        made["round_counts"] = stages.round_counts(
            context, predicted, len(ids), side=protocol.side if protocol is not None else None
        )
    return AppliedRound(context, made, ids, trained_names(training, context.workspace.decisions_of(subject.run)))
