"""What the first round learns: the run's clusters, or those regrouped, and their pseudo-masks."""

from __future__ import annotations

from collections.abc import Callable

from comus_core import run_tables as tables
from comus_core import stages
from comus_core.self_training.settings import TrainingSettings
from comus_core.stages import StageContext
from comus_core.workspace import Artifact, Run
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import Layout


def learned_clusters(
    context: StageContext, run: Run, decided: Decisions, settings: TrainingSettings, log: Callable[[str], None]
) -> Artifact:
    """What the first round learns; what a person made of the clusters is never made anew."""
    own = context.workspace.artifact(run, "clustering")
    if not settings.regroup or stages.smaller_neighbourhoods(run, tables.read_clusters(own)) is None:
        return own
    if decided.layout != Layout() or decided.cluster_percent:
        log("clusters were changed by hand: they are learned as they are, not regrouped (regroup=false says so too)")
        return own
    return stages.regrouped(context, run, settings.surroundings)


def share_moved(own: Artifact, learned: Artifact) -> float:
    """Share of the proposals that are learned in another cluster than the run's."""
    before, after = (tables.read_clusters(artifact).cluster for artifact in (own, learned))
    return float((before != after).mean()) if own != learned else 0.0


def first_labels(context: StageContext, run: Run, clusters: Artifact, decided: Decisions) -> Artifact:
    """The pseudo-masks of those clusters under the decided filter."""
    made = {kind: context.workspace.artifact(run, kind) for kind in ("images", "proposals")}
    made["clustering"] = clusters
    return stages.pseudo_masks(context, made, decided)
