"""The tables behind a score: how well each class is found, which cluster became which class, and what differs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comus_core.evaluation.matching import iou_matrix
from comus_core.scoring.scored_round import ScoredRound
from comus_core.settings import require
from comus_core.types import IntArray


@dataclass(frozen=True)
class ClassRow:
    """One ground-truth class; shares in percent, 0 where there is nothing to share.

    Attributes:
        name: of the class.
        iou: intersection over union.
        recall: share of the class's pixels that were predicted as it.
        precision: share of the pixels predicted as it that are of it.
        pixels: pixels of the class in the ground truth.
        found_by: names of the categories matched to it.
    """

    name: str
    iou: float
    recall: float
    precision: float
    pixels: int
    found_by: tuple[str, ...]


@dataclass(frozen=True)
class MatchRow:
    """One predicted category, or the predicted background; shares in percent.

    Attributes:
        category: 0…C−1, −1 for the background.
        name: of the category.
        class_name: of the class it stands for, None if it stands for none.
        iou: of this category alone with that class.
        purity: share of the category's pixels that are of that class.
        pixels: pixels predicted as the category, ignored ones not among them.
        runner_up: the other class with most of its pixels, None if there is none.
    """

    category: int
    name: str
    class_name: str | None
    iou: float
    purity: float
    pixels: int
    runner_up: str | None


def class_rows(scored: ScoredRound) -> list[ClassRow]:
    """A row for each class, in the order of the classes, background first."""
    n, correct = len(scored.classes), np.diagonal(scored.confusion)
    true, predicted = scored.confusion.sum(axis=0), scored.confusion[:n].sum(axis=1)
    names = np.array(["background", *scored.names], object)
    return [
        ClassRow(
            name=name,
            iou=scored.score.per_class[name],
            recall=_percent(correct[k], true[k]),
            precision=_percent(correct[k], predicted[k]),
            pixels=int(true[k]),
            found_by=tuple(names[np.asarray(scored.matched.class_of) == k]),
        )
        for k, name in enumerate(scored.classes)
    ]


def match_rows(scored: ScoredRound) -> list[MatchRow]:
    """A row for each category, the predicted background first."""
    classes, table = scored.classes, scored.rows.contingency
    iou = 100 * iou_matrix(table)
    rows = []
    for row, name in enumerate(("background", *scored.names)):
        pixels, k = table[row], int(scored.matched.class_of[row])
        rows.append(
            MatchRow(
                category=row - 1,
                name=name,
                class_name=classes[k] if k >= 0 else None,
                iou=float(iou[row, k]) if k >= 0 else 0.0,
                purity=_percent(pixels[k], pixels.sum()) if k >= 0 else 0.0,
                pixels=int(pixels.sum()),
                runner_up=_runner_up(pixels, k, classes),
            )
        )
    return rows


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


def _runner_up(pixels: IntArray, k: int, classes: tuple[str, ...]) -> str | None:
    others = pixels.copy()
    if k >= 0:
        others[k] = 0
    return classes[int(others.argmax())] if others.max(initial=0) > 0 else None


def _percent(part: int, total: int) -> float:
    return 100.0 * int(part) / max(int(total), 1)
