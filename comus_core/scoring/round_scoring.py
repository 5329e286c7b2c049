"""A round with its score and what that was summed from: what the Evaluate and Compare pages and `comus scores` show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import WorkspaceError
from comus_core.evaluation.counts import BACKGROUND
from comus_core.evaluation.image_rows import (
    DISCOVERED,
    ClassPixels,
    Correlation,
    ImageRows,
    class_pixels,
    class_sizes,
    discovered,
    size_correlation,
)
from comus_core.evaluation.matching import Matching, match
from comus_core.evaluation.report import Score, confusion, score
from comus_core.runs.artifact_readers import read_round_counts
from comus_core.runs.label_map import LabelMap
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring import score_tables
from comus_core.scoring.paper_scores import PaperRow, paper_rows, same_images
from comus_core.scoring.run_scores import frozen_matching
from comus_core.scoring.view_scores import ViewScore
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True, eq=False)
class ScoredRound:
    """A round's score on the data set that it was counted on.

    Attributes:
        subject: the run and its round.
        dataset: the data set's string.
        classes: n names, background first.
        names: C names of the categories.
        rows: the pixels, image by image.
        matched: the class of each category.
    """

    subject: RunRound
    dataset: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    rows: ImageRows
    matched: Matching

    @cached_property
    def score(self) -> Score:
        """IoU of each class, mIoU, pixel accuracy."""
        return score(self.rows.contingency, self.matched, self.classes, ("background", *self.names))

    @cached_property
    def pixels(self) -> ClassPixels:
        """The pixels of each image and class."""
        return class_pixels(self.rows, self.matched.class_of)

    @cached_property
    def confusion(self) -> IntArray:
        """(n + 1, n) int64 pixels, predicted class by true class; the last row is predicted as no class."""
        return confusion(self.rows.contingency, self.matched)

    @cached_property
    def sizes(self) -> FloatArray:
        """(n,) percent of an image that each class takes where it is, see `class_sizes`."""
        return class_sizes(self.pixels)

    @cached_property
    def correlation(self) -> Correlation:
        """Of size and IoU, over the object classes."""
        return size_correlation(self.sizes, np.array(list(self.score.per_class.values())))

    @property
    def discovered(self) -> list[str]:
        """The object classes with an IoU of 20 % and more."""
        return discovered(self.score.per_class)

    @property
    def paper(self) -> tuple[PaperRow, ...]:
        """The paper's rows on the same classes."""
        return paper_rows(self.dataset, self.classes)

    def class_rows(self) -> list[score_tables.ClassRow]:
        """A row a class, see `score_tables`."""
        return score_tables.class_rows(self._view_score, self.classes, self._labels)

    def match_rows(self) -> list[score_tables.MatchRow]:
        """A row a category, see `score_tables`."""
        return score_tables.match_rows(self._view_score, self.classes, self._labels)

    @property
    def _view_score(self) -> ViewScore:
        return ViewScore(self.score, self.rows.contingency, self.matched)

    @property
    def _labels(self) -> LabelMap:
        return LabelMap(np.arange(len(self.names)), self.names)


def score_clusters(
    view: RunView,
    decided: Decisions,
    mode: MatchingChoice | None = None,
    *,
    filtered: bool = False,
    frozen: Matching | None = None,
) -> ScoredRound:
    """Round 0: the categories of an opened run.

    Args:
        view: a run with counts.
        decided: names, categories and filter.
        mode: how categories become classes; None is as the run's settings say.
        filtered: dropped proposals count as background.
        frozen: a matching to use as it is.

    Raises:
        WorkspaceError: the run has no ground truth.
        SettingsError: the matching that the run's settings freeze does not fit.
    """
    counts = view.counts
    if counts is None:
        raise WorkspaceError(f"run {view.run.id} has no score: its data set has no ground truth")
    found = view.categories(decided)
    category = np.where(view.kept(decided), found.category, BACKGROUND) if filtered else found.category
    counted = view.count_rows >= 0
    aligned = np.full(len(counts), BACKGROUND, np.int64)
    aligned[view.count_rows[counted]] = category[counted]
    rows = ImageRows.of_counts(counts, aligned, len(found.ids))
    matched = frozen or _matched(view.workspace, view.run, rows.contingency, view.classes, mode)
    names = view.labels(decided).names
    return ScoredRound(RunRound(view.run, 0), view.run.config.dataset, view.classes, names, rows, matched)


def score_round(
    workspace: Workspace, one: RunRound, mode: MatchingChoice | None = None, *, filtered: bool = False
) -> ScoredRound:
    """Any round, on the data set that it was counted on.

    Args:
        workspace: where it is.
        one: the run and its round.
        mode: as in `score_clusters`.
        filtered: of round 0 only.

    Raises:
        WorkspaceError: there is no ground truth, or an artifact is gone.
        SettingsError: as in `score_clusters`.
    """
    decided = workspace.decisions_of(one.run)
    if one.training is None:
        return score_clusters(open_run_view(workspace, one.run), decided, mode, filtered=filtered)
    fingerprint = one.training.artifacts.get(f"counts-{one.number}")
    if fingerprint is None:
        raise WorkspaceError(f"round {one.number} of training {one.training.id} has no score: no ground truth")
    dataset = one.dataset
    truth = open_dataset(dataset, workspace.drawings, one.run.config.truth).truth
    if truth is None:
        raise WorkspaceError(f"the ground truth of {dataset} is no longer there")
    names = trained_names(one.training, decided)
    rows = ImageRows.of_tables(*read_round_counts(workspace.artifacts.get("round_counts", fingerprint), len(names)))
    matched = _matched(workspace, one.run, rows.contingency, truth.classes, mode)
    return ScoredRound(one, dataset, tuple(truth.classes), names, rows, matched)


def _matched(
    workspace: Workspace, run: Run, contingency: IntArray, classes: tuple[str, ...], mode: MatchingChoice | None
) -> Matching:
    if mode is None and run.config.matching_from:
        return frozen_matching(workspace, run.config.matching_from, len(contingency) - 1, tuple(classes))
    return match(contingency, mode or run.config.matching)


def deltas(scored: ScoredRound, other: ScoredRound) -> dict[str, float]:
    """Class -> IoU of the first minus that of the other, in points; mIoU first.

    Raises:
        SettingsError: they were scored on different data sets, or with different annotations.
    """
    same = scored.dataset == other.dataset and scored.classes == other.classes
    require(
        not same or scored.subject.truth == other.subject.truth,
        f"{scored.subject.run.id} and {other.subject.run.id} were scored with different annotations of "
        f"{scored.dataset}: `comus compare` scores both with one",
    )
    require(
        same,
        f"{scored.subject.run.id} was scored on {scored.dataset}, {other.subject.run.id} on {other.dataset}: "
        "`comus compare` scores both on one data set",
    )
    own, theirs = scored.score.per_class, other.score.per_class
    return {"mIoU": scored.score.miou - other.score.miou} | {name: iou - theirs[name] for name, iou in own.items()}


def as_json(scored: ScoredRound, other: ScoredRound | None = None, most: int = 10) -> dict[str, Any]:
    """A score as `comus scores --json` writes it; IoUs in percent, `most` of the worst and the best images."""
    one, ious = scored.subject, scored.pixels.ious
    order = [k for k in np.argsort(ious, kind="stable").tolist() if np.isfinite(ious[k])]
    images = [{"image_id": scored.rows.image_ids[k], "iou": float(ious[k])} for k in order]
    sizes = [None if np.isnan(size) else float(size) for size in scored.sizes]
    found: dict[str, Any] = {
        "run": one.run.id,
        "round": one.number,
        "training": one.training.id if one.training else None,
        "dataset": scored.dataset,
        "supervision": one.supervision,
        "images": len(scored.rows.image_ids),
        "matching": scored.matched.mode,
        "miou": scored.score.miou,
        "pixel_accuracy": scored.score.pixel_accuracy,
        "discovered": {"at_least": DISCOVERED, "classes": scored.discovered, "of": len(scored.classes) - 1},
        "per_class": [vars(row) | {"size": size} for row, size in zip(scored.class_rows(), sizes, strict=True)],
        "size_correlation": vars(scored.correlation),
        "confusion": {
            "true": list(scored.classes),
            "predicted": [*scored.classes, None],
            "pixels": scored.confusion.tolist(),
        },
        "worst": images[:most],
        "best": images[::-1][:most],
        "paper": [
            vars(row)
            | {
                "same_images": same_images(row, scored.dataset, len(scored.rows.image_ids)),
                "difference": scored.score.miou - row.miou,
            }
            for row in scored.paper
        ],
    }
    if other is not None:
        sides = {"run": other.subject.run.id, "round": other.subject.number, "miou": other.score.miou}
        found["against"] = sides | {"differences": deltas(scored, other)}
    return found
