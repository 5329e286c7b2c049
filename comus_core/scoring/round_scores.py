"""The score of a round at any filter, label map and matching: sums over its counts, no pixel read. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.evaluation.counts import BACKGROUND, Counts
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import Matching
from comus_core.runs.artifact_readers import read_round_counts
from comus_core.runs.categories import Categories
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import IntArray
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.decisions import Decisions

How = MatchingChoice | Matching | None  # how categories become classes; None is as the run's settings say


def score_clusters(view: RunView, decided: Decisions, how: How = None, *, filtered: bool = False) -> ScoredRound:
    """Round 0 on the run's own images.

    Args:
        view: a run with counts.
        decided: names, categories and filter, from the log or a draft.
        how: how categories become classes.
        filtered: dropped proposals count as background; False counts every proposal (p = 0).

    Raises:
        WorkspaceError: the run has no ground truth.
        SettingsError: the matching that the run's settings freeze does not fit.
    """
    if view.counts is None:
        raise WorkspaceError(f"run {view.run.id} has no score: its data set has no ground truth")
    one, counted, categories = RunRound(view.run, 0), (view.counts, view.count_rows), view.categories(decided)
    how = how or matching_of(view.workspace, view.run, len(categories.ids), view.classes)
    return score_categories(one, one.dataset, view.classes, counted, categories, decided, how, filtered=filtered)


def score_categories(
    subject: RunRound,
    dataset: str,
    classes: Sequence[str],
    counted: tuple[Counts, IntArray],
    categories: Categories,
    decided: Decisions,
    how: MatchingChoice | Matching,
    *,
    filtered: bool = False,
) -> ScoredRound:
    """Round 0 on any images: proposals in categories, the others and the rest of each image as background.

    Args:
        subject: round 0 of a run.
        dataset: whose images were counted.
        classes: n names, background first.
        counted: the counts, and the row (n,) in them of each of n proposals, −1 where its image was not counted.
        categories: of these proposals.
        decided: names and filter.
        how: how categories become classes.
        filtered: dropped proposals count as background too.
    """
    counts, rows = counted
    category, coverage = categories.category, 1.0
    if filtered:
        category, coverage = np.where(categories.kept(decided), category, BACKGROUND), categories.coverage(decided)
    pixels = ImageRows.of_counts(counts, rows, category, len(categories.ids))
    names = tuple(decided.name_of(k) for k in categories.ids)
    return ScoredRound(subject, dataset, tuple(classes), names, pixels, how, coverage)


def score_predictions(
    workspace: Workspace,
    subject: RunRound,
    counts: Artifact,
    names: Sequence[str],
    dataset: str,
    classes: Sequence[str],
    how: How = None,
) -> ScoredRound:
    """A trained round on any images.

    Args:
        workspace: where it is.
        subject: the run and its round.
        counts: of `stages.round_counts`.
        names: C names of the categories.
        dataset: whose images were counted.
        classes: n names, background first.
        how: how categories become classes.
    """
    rows = ImageRows.of_tables(*read_round_counts(counts, len(names)))
    how = how or matching_of(workspace, subject.run, len(names), classes)
    return ScoredRound(subject, dataset, tuple(classes), tuple(names), rows, how)


def score_round(workspace: Workspace, subject: RunRound, how: How = None, *, filtered: bool = False) -> ScoredRound:
    """Any round, on the data set that it was counted on; `filtered` acts on round 0 alone.

    Raises:
        WorkspaceError: there is no ground truth, or an artifact is gone.
        SettingsError: as `score_clusters`.
    """
    decided, training = workspace.decisions_of(subject.run), subject.training
    if training is None:
        return score_clusters(open_run_view(workspace, subject.run), decided, how, filtered=filtered)
    fingerprint = training.artifacts.get(f"counts-{subject.number}")
    if fingerprint is None:
        raise WorkspaceError(f"round {subject.number} of training {training.id} has no score: no ground truth")
    truth = open_dataset(subject.dataset, workspace.drawings, subject.run.config.truth).truth
    if truth is None:
        raise WorkspaceError(f"the ground truth of {subject.dataset} is no longer there")
    counts, names = workspace.artifacts.get("round_counts", fingerprint), trained_names(training, decided)
    return score_predictions(workspace, subject, counts, names, subject.dataset, truth.classes, how)


def matching_of(
    workspace: Workspace,
    run: Run,
    categories: int,
    classes: Sequence[str],
    choice: MatchingChoice | None = None,
    matching_from: str | None = None,
) -> MatchingChoice | Matching:
    """How categories become classes: as `matching_from` did, else by `choice`, else as the run's settings say.

    Args:
        workspace: where the runs are.
        run: whose settings decide where nothing else does.
        categories: C.
        classes: n names, background first.
        choice: `auto`, `hungarian` or `majority`.
        matching_from: a run whose matching is frozen.

    Raises:
        WorkspaceError: there is no such run, or it has no score.
        SettingsError: it has other classes or another number of categories.
    """
    name = matching_from or (None if choice else run.config.matching_from)
    if name is None:
        return choice or run.config.matching
    return frozen_matching(workspace, name, categories, classes)


def frozen_matching(workspace: Workspace, name: str, categories: int, classes: Sequence[str]) -> Matching:
    """The matching of round 0 of the run called `name`, for C categories and these classes.

    Raises:
        WorkspaceError: there is no such run, or it has no score.
        SettingsError: it has other classes or another number of categories.
    """
    other = workspace.runs.find(name)
    if tuple(other.provenance["classes"]) != tuple(classes):
        raise SettingsError(f"matching from run {other.id}: its ground truth has other classes")
    matched = score_round(workspace, RunRound(other, 0)).matched
    if len(matched.class_of) != categories + 1:
        raise SettingsError(
            f"matching from run {other.id}: it has {len(matched.class_of) - 1} clusters, "
            f"but {categories} are to be matched"
        )
    return matched
