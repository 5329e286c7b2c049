"""A round scored on another data set (`comus evaluate`)."""

from __future__ import annotations

from typing import Any

from comus_core.pipelines.apply_rounds import AppliedRound, apply_round
from comus_core.pipelines.discover import result_json
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import RunRound
from comus_core.scoring.round_scores import excluded_of, matching_of, score_categories, score_predictions
from comus_core.scoring.scored_round import ScoredRound
from comus_core.stages.assignment import assigned_categories
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace


def evaluate(
    round: RunRound,
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

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores"); of a network with `predictions`, the folder of its masks.

    Raises:
        DatasetError: none of the images is usable, or, in round 0, none has a proposal.
        SettingsError: the frozen matching does not fit, or Nyström is wanted of a run without a spectral embedding.
        WorkspaceError: the run has no such round.
    """
    applied, every, filtered = scored_round(round, workspace, settings, device=device, on_progress=on_progress)
    made = applied.made
    clusters = tables.read_clusters(workspace.artifact(round.run, "clustering")).count
    result = result_json(round.run, applied.context, made, clusters, every, filtered)
    result |= {"round": round.number, "supervision": round.supervision}
    return result | ({"predictions": str(made["predictions"].file("masks"))} if "predictions" in made else {})


def scored_round(
    subject: RunRound, workspace: Workspace, settings: EvaluateSettings, *, device: str, on_progress: OnProgress
) -> tuple[AppliedRound, ScoredRound | None, ScoredRound | None]:
    """The round on that data set, its score, and that of what the filter keeps of round 0; raises as `evaluate`.

    Without ground truth there is no score, and of a network, which filters nothing, but one.
    """
    run, assign = subject.run, settings.assign
    applied = apply_round(subject, settings.dataset, workspace, assign=assign, device=device, on_progress=on_progress)
    made, dataset, decided = applied.made, applied.context.dataset, workspace.decisions_of(run)
    if dataset.truth is None:
        return applied, None, None
    spec, classes = dataset.spec, dataset.truth.classes
    how = matching_of(workspace, run, len(applied.names), classes, settings.matching, settings.matching_from)
    if subject.training is not None:
        rows = made["round_counts"]
        return applied, score_predictions(workspace, subject, rows, applied.names, spec, classes, how), None
    ids, categories = assigned_categories(workspace, run, made["assignment"], decided)
    counts = tables.read_counts(made["counts"]).without(excluded_of(workspace, run, spec))
    clusters = subject, spec, classes, (counts, counts.rows_of(ids)), categories, decided, how
    return applied, score_categories(*clusters), score_categories(*clusters, filtered=True)
