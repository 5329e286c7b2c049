"""A round scored by a protocol, on its own images or on another data set (`comus evaluate`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from comus_core import stages
from comus_core.config import Matching as MatchingChoice
from comus_core.datasets.dataset import absolute
from comus_core.datasets.records import ImageClasses
from comus_core.errors import DatasetError
from comus_core.evaluation.cluster_quality import ClusterQuality, cluster_quality, image_classes_of, majority_classes
from comus_core.evaluation.matching import Matching
from comus_core.evaluation.protocols import Protocol, protocol_named
from comus_core.pipelines.apply_rounds import AppliedRound, apply_round, context_on, require_network
from comus_core.pipelines.discover import result_json
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.core_precision import majority_class
from comus_core.scoring.round_scores import (
    excluded_of,
    matching_of,
    score_categories,
    score_clusters,
    score_predictions,
)
from comus_core.scoring.score_json import score_json
from comus_core.scoring.scored_round import ScoredRound
from comus_core.stages.assignment import assigned_categories
from comus_core.types import IntArray, OnProgress, StrArray, no_progress
from comus_core.workspace import Workspace


@dataclass(frozen=True)
class Evaluation:
    """A round on a data set, and how good it is there.

    Attributes:
        applied: the round on these images.
        every: its score, None without ground truth.
        filtered: of round 0, the score of what the filter keeps.
        quality: of round 0, how well its clusters hold the proposals of a class together.
    """

    applied: AppliedRound
    every: ScoredRound | None
    filtered: ScoredRound | None = None
    quality: ClusterQuality | None = None


def evaluate(
    round: RunRound,
    workspace: Workspace,
    settings: EvaluateSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score a round by a protocol, on its own images or on another data set.

    On another data set every new proposal of round 0 gets the category, as decided, of its nearest neighbours among the
    run's proposals, or by Nyström that of the nearest centre in the run's spectral embedding (`stages.assignment`).
    Rejected categories take part and count as background. The filter ranks by 1 − confidence, whatever it ranks the
    run's proposals by. A later round is a network, which predicts the images.

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores"), with `protocol` {`name`, `words`} or None; of a network with
        `predictions`, the folder of its masks; of round 0 with `cluster_quality`; where the matching comes from
        elsewhere with `matched_on` and `evaluation_matched_here`, the score with the matching of the images scored.

    Raises:
        DatasetError: none of the images is usable, or, in round 0, none has a proposal.
        SettingsError: the frozen matching does not fit, Nyström is wanted of a run without a spectral embedding, or the
            protocol is not one for this round.
        WorkspaceError: the run has no such round.
    """
    found = evaluated(round, workspace, settings, device=device, on_progress=on_progress)
    applied, every = found.applied, found.every
    made = applied.made
    clusters = tables.read_clusters(workspace.artifact(round.run, "clustering")).count
    result = result_json(round.run, applied.context, made, clusters, every, found.filtered)
    protocol = _protocol_of(settings)
    result |= {
        "round": round.number,
        "supervision": round.supervision,
        "protocol": {"name": protocol.name, "words": protocol.words} if protocol is not None else None,
        "cluster_quality": asdict(found.quality) if found.quality is not None else None,
        **_matched_elsewhere(round, workspace, settings, every),
    }
    return result | ({"predictions": str(made["predictions"].file("masks"))} if "predictions" in made else {})


def evaluated(
    subject: RunRound, workspace: Workspace, settings: EvaluateSettings, *, device: str, on_progress: OnProgress
) -> Evaluation:
    """The round on that data set, and its scores; raises as `evaluate`.

    Without ground truth there is no score, and of a network, which filters nothing, but one.
    """
    protocol = _protocol_of(settings)
    if protocol is not None and protocol.network:
        require_network(subject, protocol)
    frozen = _matching_there(subject, workspace, settings, device, on_progress)
    if settings.dataset is None and subject.training is None:
        return _own_clusters(subject, workspace, settings, frozen, device, on_progress)
    applied = apply_round(
        subject,
        settings.dataset or subject.dataset,
        workspace,
        assign=settings.assign,
        protocol=protocol,
        device=device,
        on_progress=on_progress,
    )
    made, dataset, decided = applied.made, applied.context.dataset, workspace.decisions_of(subject.run)
    if dataset.truth is None:
        if dataset.image_classes is None or "assignment" not in made:
            return Evaluation(applied, None)
        ids, categories = assigned_categories(workspace, subject.run, made["assignment"], decided)
        return Evaluation(applied, None, quality=_of_images(dataset.image_classes, ids, categories.category))
    spec, classes = dataset.spec, dataset.truth.classes
    how = frozen or _how(subject, workspace, settings, len(applied.names), classes)
    if subject.training is not None:
        rows = made["round_counts"]
        return Evaluation(applied, score_predictions(workspace, subject, rows, applied.names, spec, classes, how))
    ids, categories = assigned_categories(workspace, subject.run, made["assignment"], decided)
    counts = tables.read_counts(made["counts"]).without(excluded_of(workspace, subject.run, spec))
    rows_of = counts.rows_of(ids)
    clusters = subject, spec, classes, (counts, rows_of), categories, decided, how
    every, filtered = score_categories(*clusters), score_categories(*clusters, filtered=True)
    quality = cluster_quality(categories.category, majority_classes(counts, rows_of))
    return Evaluation(applied, every, filtered, quality)


def _own_clusters(
    subject: RunRound,
    workspace: Workspace,
    settings: EvaluateSettings,
    frozen: Matching | None,
    device: str,
    on_progress: OnProgress,
) -> Evaluation:
    """Round 0 on the run's own images: sums over what was counted there."""
    run = subject.run
    view, decided = open_run_view(workspace, run), workspace.decisions_of(run)
    context = context_on(run, run.config.dataset, workspace, device, on_progress)
    stages.check_images(context)
    made = {kind: workspace.artifact(run, kind) for kind in ("images", "proposals", "clustering")}
    categories = view.categories(decided)
    names = tuple(decided.name_of(k) for k in categories.ids)
    applied = AppliedRound(context, made, categories.ids, names)
    if view.counted(decided) is None:
        whole = context.dataset.image_classes
        ids, found = view.proposals.proposal_id, categories.category
        return Evaluation(applied, None, quality=_of_images(whole, ids, found) if whole is not None else None)
    how = frozen or _how(subject, workspace, settings, len(names), view.classes)
    every, filtered = (score_clusters(view, decided, how, filtered=core) for core in (False, True))
    quality = cluster_quality(categories.category, majority_class(view, decided))
    return Evaluation(applied, every, filtered, quality)


def _of_images(classes: ImageClasses, proposal_ids: StrArray, category: IntArray) -> ClusterQuality | None:
    """How well clusters hold the images of a class together, each proposal of the class of its image."""
    return cluster_quality(category, image_classes_of(proposal_ids, classes.index_of))


def _protocol_of(settings: EvaluateSettings) -> Protocol | None:
    return protocol_named(settings.protocol) if settings.protocol is not None else None


def _how(
    subject: RunRound, workspace: Workspace, settings: EvaluateSettings, categories: int, classes: Sequence[str]
) -> MatchingChoice | Matching:
    """How categories become classes: as frozen, as the protocol says, as asked, or as the run's settings say."""
    protocol = _protocol_of(settings)
    choice = protocol.matching if protocol is not None else settings.matching
    return matching_of(workspace, subject.run, categories, classes, choice, settings.matching_from)


def _matching_there(
    subject: RunRound, workspace: Workspace, settings: EvaluateSettings, device: str, on_progress: OnProgress
) -> Matching | None:
    """The matching of the same round on the data set that it is to be matched on; None where there is none."""
    if settings.matched_on is None:
        return None
    there = replace(settings, dataset=settings.matched_on, matched_on=None)
    if absolute(settings.matched_on) == subject.run.config.dataset and subject.training is None:
        there = replace(there, dataset=None)  # its own proposals, not their neighbours
    scored = evaluated(subject, workspace, there, device=device, on_progress=on_progress).every
    if scored is None:
        raise DatasetError(f"matched_on {settings.matched_on}: it has no ground truth to match clusters by")
    return scored.matched


def _matched_elsewhere(
    subject: RunRound, workspace: Workspace, settings: EvaluateSettings, every: ScoredRound | None
) -> dict[str, Any]:
    """Where the matching is from, and the score with that of the images themselves."""
    source = settings.matched_on or settings.matching_from
    if source is None or every is None:
        return {"matched_on": None, "evaluation_matched_here": None}
    protocol = _protocol_of(settings)
    choice = protocol.matching if protocol is not None else settings.matching or subject.run.config.matching
    return {"matched_on": source, "evaluation_matched_here": score_json(replace(every, matching=choice).score)}
