"""A round scored on another data set (`comus evaluate`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comus_core.pipelines.apply_rounds import AppliedRound, apply_round
from comus_core.pipelines.discover import result_json
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import RunRound
from comus_core.scoring.round_scores import matching_of, score_categories, score_predictions
from comus_core.scoring.scored_round import ScoredRound
from comus_core.stages.assignment import assigned_categories
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace


@dataclass(frozen=True)
class EvaluatedRound:
    """A round on a data set with its scores: of every proposal or pixel, and of what the filter keeps of round 0.

    Both are None without ground truth, the filtered one also of a network, which filters nothing.
    """

    applied: AppliedRound
    every: ScoredRound | None = None
    filtered: ScoredRound | None = None


def evaluate(
    subject: RunRound,
    workspace: Workspace,
    settings: EvaluateSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score a round on another data set.

    In round 0 every new proposal gets the category, as decided, of its nearest neighbours among the run's proposals, or
    by Nyström that of the nearest centre in the run's spectral embedding (`stages.assignment`). Rejected categories
    take part and count as background. The filter ranks by 1 − confidence, whatever it ranks the run's proposals by. A
    later round is a network, which predicts the images.

    Args:
        subject: a run and its round.
        workspace: where the run is, and where this data set's artifacts go.
        settings: the data set, and how categories become classes there.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores"); of a network with `predictions`, the folder of its masks.

    Raises:
        DatasetError: none of the images is usable, or, in round 0, none has a proposal.
        SettingsError: the frozen matching does not fit, or Nyström is wanted of a run without a spectral embedding.
        WorkspaceError: the run has no such round.
    """
    evaluated = evaluated_round(subject, workspace, settings, device=device, on_progress=on_progress)
    made, every, filtered = evaluated.applied.made, evaluated.every, evaluated.filtered
    clusters = tables.read_clusters(workspace.artifact(subject.run, "clustering")).count
    result = result_json(subject.run, evaluated.applied.context, made, clusters, every, filtered)
    result |= {"round": subject.number, "supervision": subject.supervision}
    return result | ({"predictions": str(made["predictions"].file("masks"))} if "predictions" in made else {})


def evaluated_round(
    subject: RunRound, workspace: Workspace, settings: EvaluateSettings, *, device: str, on_progress: OnProgress
) -> EvaluatedRound:
    """The round on that data set, and its scores; raises as `evaluate`."""
    run = subject.run
    applied = apply_round(
        subject, settings.dataset, workspace, assign=settings.assign, device=device, on_progress=on_progress
    )
    made, dataset, decided = applied.made, applied.context.dataset, workspace.decisions_of(run)
    if dataset.truth is None:
        return EvaluatedRound(applied)
    classes = dataset.truth.classes
    how = matching_of(workspace, run, len(applied.names), classes, settings.matching, settings.matching_from)
    if subject.training is not None:
        predicted = made["round_counts"]
        return EvaluatedRound(
            applied, score_predictions(workspace, subject, predicted, applied.names, dataset.spec, classes, how)
        )
    ids, categories = assigned_categories(workspace, run, made["assignment"], decided)
    counts = tables.read_counts(made["counts"])
    counted = counts, counts.rows_of(ids)
    scores = (
        score_categories(subject, dataset.spec, classes, counted, categories, decided, how, filtered=filtered)
        for filtered in (False, True)
    )
    return EvaluatedRound(applied, *scores)
