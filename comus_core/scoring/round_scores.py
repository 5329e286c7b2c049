"""The score of a round at any filter, label map and matching: sums over its counts, no pixel read. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from comus_core.types import ImageId, IntArray
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layered import LayeredSet

How = MatchingChoice | Matching | None  # how categories become classes; None is as the run's settings say


def score_clusters(view: RunView, decided: Decisions, how: How = None, *, filtered: bool = False) -> ScoredRound:
    """Round 0 on the run's own images, without the excluded ones.

    `filtered` counts dropped proposals as background, else every proposal counts (p = 0).

    Raises:
        WorkspaceError: the run has no ground truth.
        SettingsError: the matching that the run's settings freeze does not fit.
    """
    counted = view.counted(decided)
    if counted is None:
        raise WorkspaceError(f"run {view.run.id} has no score: its data set has no ground truth")
    one, categories = RunRound(view.run, 0), view.categories(decided)
    how = how or matching_of(view.workspace, view.run, len(categories.ids), view.classes)
    drawn = view.drawn(decided)
    always = counted[0].find(drawn.ids), drawn.category
    return score_categories(
        one, one.dataset, view.classes, counted, categories, decided, how, filtered=filtered, always=always
    )


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
    always: tuple[IntArray, IntArray] | None = None,
) -> ScoredRound:
    """Round 0 on any images: proposals in categories, the others and the rest of each image as background.

    `classes` are n names, background first. `counted` are the counts, and the row (n,) in them of each proposal, −1
    where its image was not counted. `filtered` makes background of dropped proposals too. `always` are the rows and the
    categories of drawn objects, which no filter drops.
    """
    counts, rows = counted
    category, coverage = categories.category, 1.0
    if filtered:
        category, coverage = np.where(categories.kept(decided), category, BACKGROUND), categories.coverage(decided)
    if always is not None:
        rows, category = (np.concatenate(pair) for pair in zip((rows, category), always, strict=True))
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
    """A trained round on any images; of the run's own data set without those that are excluded now.

    `counts` are those of `stages.round_counts`; `names` the C categories', `classes` n, background first.
    """
    rows = read_round_counts(counts, len(names))
    rows = rows.without(excluded_of(workspace, subject.run, dataset))
    how = how or matching_of(workspace, subject.run, len(names), classes)
    return ScoredRound(subject, dataset, tuple(classes), tuple(names), rows, how)


def excluded_of(workspace: Workspace, run: Run, dataset: str) -> frozenset[ImageId]:
    """The images of a data set that a run excludes: some of its own, none of another."""
    excluded = workspace.decisions_of(run).layout.excluded if dataset == run.config.dataset else frozenset()
    return LayeredSet.of(excluded).plain()


def on_same_images(workspace: Workspace, one: ScoredRound, other: ScoredRound) -> tuple[ScoredRound, ScoredRound]:
    """Both without the images that either of their runs excludes."""
    gone = excluded_of(workspace, one.subject.run, one.dataset) | excluded_of(
        workspace, other.subject.run, other.dataset
    )
    left, right = ((scored, scored.rows.without(gone)) for scored in (one, other))
    one, other = (s if rows is s.rows else replace(s, rows=rows) for s, rows in (left, right))
    return one, other


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
