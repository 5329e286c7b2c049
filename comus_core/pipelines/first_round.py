"""What the first round learns: pseudo-masks of the run's clusters, or of those regrouped, and who names objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from comus_core import stages
from comus_core.runs import artifact_readers as tables
from comus_core.stages import StageContext
from comus_core.training.settings import TrainingSettings
from comus_core.workspace import Artifact, Run
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import Layout


@dataclass(frozen=True)
class FirstLesson:
    """What the first round learns.

    Attributes:
        labels: pseudo-masks.
        classifier: of the run's features, which names objects; None where the networks do so alone.
        moved: share of the proposals that are learned in another cluster than the run's.
    """

    labels: Artifact
    classifier: Artifact | None
    moved: float


def first_lesson(
    context: StageContext,
    images: Artifact,
    run: Run,
    decided: Decisions,
    settings: TrainingSettings,
    log: Callable[[str], None],
) -> FirstLesson:
    """Make what the first round learns, or find it made.

    Args:
        context: of the run's own images.
        images: these, as they are now.
        run: with proposals, features and clusters.
        decided: which proposal is of which category, and in the core.
        settings: whether to regroup, what is around an object, whether there is a classifier.
        log: told what a person should know.

    Raises:
        DatasetError: an image of the run is gone or is another than it was.
    """
    found = context.workspace.artifact(run, "proposals")
    with_object = tables.rows_by_image(tables.read_proposals_lightly(found))
    stages.require_unchanged(context.workspace.artifact(run, "images"), images, with_object)
    clusters = learned_clusters(context, run, decided, settings, log)
    moved = _share_moved(context.workspace.artifact(run, "clustering"), clusters)
    if moved:
        log(f"clusters regrouped, as is better in a small collection: {100 * moved:.0f} % of proposals moved")
    labels, classifier = first_labels(context, run, clusters, decided), None
    if settings.classifier_share:
        classifier = stages.classifier(context, run, clusters, decided, labels, settings.surroundings)
        if classifier is None:
            log("no encoder made this run's features: the networks alone decide what each object is")
    return FirstLesson(labels, classifier, moved)


def learned_clusters(
    context: StageContext, run: Run, decided: Decisions, settings: TrainingSettings, log: Callable[[str], None]
) -> Artifact:
    """The clusters of that lesson; what a person made of them is never made anew."""
    own = context.workspace.artifact(run, "clustering")
    if not settings.regroup or stages.smaller_neighbourhoods(run, tables.read_clusters(own)) is None:
        return own
    if decided.layout != Layout() or decided.cluster_percent:
        log("clusters were changed by hand: they are learned as they are, not regrouped (regroup=false says so too)")
        return own
    return stages.regrouped(context, run, settings.surroundings)


def first_labels(context: StageContext, run: Run, clusters: Artifact, decided: Decisions) -> Artifact:
    """The pseudo-masks of those clusters under the decided filter."""
    made = {kind: context.workspace.artifact(run, kind) for kind in ("images", "proposals")}
    made["clustering"] = clusters
    return stages.pseudo_masks(context, made, decided)


def _share_moved(own: Artifact, learned: Artifact) -> float:
    before, after = (tables.read_clusters(artifact).cluster for artifact in (own, learned))
    return float((before != after).mean()) if own != learned else 0.0
