"""The score of a round: categories matched to classes on the images scored, as the run matches. No torch."""

from __future__ import annotations

from comus_core.config import Matching
from comus_core.evaluation.matching import Matching as MatchedRows
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import Score, score
from comus_core.runs.artifact_readers import read_round_counts
from comus_core.scoring.run_scores import frozen_matching
from comus_core.types import IntArray
from comus_core.workspace import Artifact, Run, Workspace


def score_round(
    workspace: Workspace,
    run: Run,
    counts: Artifact,
    categories: int,
    classes: tuple[str, ...],
    names: tuple[str, ...],
    mode: Matching | None = None,
    matching_from: str | None = None,
) -> Score:
    """The score of a round's predictions, matched as the run is.

    Args:
        workspace: where the run is.
        run: whose matching is used where `mode` and `matching_from` do not say.
        counts: of `stages.round_counts`.
        categories: C.
        classes: n names, background first.
        names: C names.
        mode: `auto`, `hungarian` or `majority`.
        matching_from: a run whose matching is frozen.
    """
    _, values = read_round_counts(counts, categories)
    return score_table(workspace, run, values.sum(axis=0), classes, names, mode, matching_from)


def score_table(
    workspace: Workspace,
    run: Run,
    table: IntArray,
    classes: tuple[str, ...],
    names: tuple[str, ...],
    mode: Matching | None = None,
    matching_from: str | None = None,
) -> Score:
    """The same of (C + 1, classes) int64 pixels."""
    matched = match_table(workspace, run, table, classes, mode, matching_from)
    return score(table, matched, classes, ("background", *names))


def match_table(
    workspace: Workspace,
    run: Run,
    table: IntArray,
    classes: tuple[str, ...],
    mode: Matching | None = None,
    matching_from: str | None = None,
) -> MatchedRows:
    """The class of each category where `table`, (C + 1, classes) int64 pixels, was counted."""
    other = matching_from or run.config.matching_from
    frozen = frozen_matching(workspace, other, len(table) - 1, classes) if other else None
    return frozen or match(table, mode or run.config.matching)
