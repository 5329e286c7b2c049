"""What the first round learns: pseudo-masks of the run's clusters, or of those regrouped, and who names objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from comus_core import stages
from comus_core.runs import artifact_readers as tables
from comus_core.stages import StageContext
from comus_core.training.settings import TrainingSettings
from comus_core.workspace import Artifact, Run
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import Layout, image_of


@dataclass(frozen=True)
class FirstRound:
    """What the first round learns.

    Attributes:
        labels: pseudo-masks.
        classifier: of the run's features, which names objects; None where the networks do so alone.
        moved: share of the proposals that are learned in another cluster than the run's.
    """

    labels: Artifact
    classifier: Artifact | None
    moved: float


def first_round(
    context: StageContext,
    images: Artifact,
    run: Run,
    decided: Decisions,
    settings: TrainingSettings,
    log: Callable[[str], None],
) -> FirstRound:
    """Make what the first round learns, or find it in the workspace.

    `context` is that of the run's own images, and `images` are these as they are now; `log` is called with what a
    person should know.

    Raises:
        DatasetError: an image of the run is gone or is another than it was.
    """
    proposals = context.workspace.artifact(run, "proposals")
    with_object = set(tables.read_proposals_lightly(proposals).image_id) | _drawn_in(decided.layout)
    stages.require_unchanged(context.workspace.artifact(run, "images"), images, with_object)
    clusters = learned_clusters(context, run, decided, settings, log)
    moved = _share_moved(context.workspace.artifact(run, "clustering"), clusters)
    if moved:
        log(f"small collection: clusters were regrouped, which moved {100 * moved:.0f} % of the proposals")
    labels, classifier = first_labels(context, run, clusters, decided), None
    if settings.prediction.classifier_share:
        share = settings.labels.surroundings
        classifier = stages.classifier(context, run, labels, clusters=clusters, decided=decided, share=share)
        if classifier is None:
            log("the run's features come from a file, so no classifier: the networks alone name objects")
    return FirstRound(labels, classifier, moved)


def _drawn_in(layout: Layout) -> set[str]:
    """The images of which a drawn object is learned."""
    return {image_of(i) for i in layout.drawn if i not in layout.erased} - set(layout.excluded)


def learned_clusters(
    context: StageContext, run: Run, decided: Decisions, settings: TrainingSettings, log: Callable[[str], None]
) -> Artifact:
    """The clusters that the first round learns; those that a person changed are never regrouped."""
    own = context.workspace.artifact(run, "clustering")
    if not settings.labels.regroup or stages.smaller_neighbourhoods(run, tables.read_clusters(own)) is None:
        return own
    if replace(decided.layout, excluded=frozenset()) != Layout() or decided.cluster_percent:
        log("you edited the clusters, so they are not regrouped (`labels.regroup=false` turns regrouping off)")
        return own
    return stages.regrouped(context, run, settings.labels.surroundings)


def first_labels(context: StageContext, run: Run, clusters: Artifact, decided: Decisions) -> Artifact:
    """The pseudo-masks of those clusters under the decided filter."""
    inputs = {kind: context.workspace.artifact(run, kind) for kind in ("images", "proposals")}
    return stages.pseudo_masks(context, inputs | {"clustering": clusters}, decided)


def _share_moved(own: Artifact, learned: Artifact) -> float:
    before, after = (tables.read_clusters(artifact).cluster for artifact in (own, learned))
    return float((before != after).mean()) if own != learned else 0.0
