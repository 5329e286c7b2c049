"""mIoU, per-class IoU and pixel accuracy of a contingency table, and their course over the filter percentage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.errors import SettingsError
from comus_core.evaluation.counts import Counts, check_categories, sum_rows
from comus_core.evaluation.matching import Matching, MatchingMode, match
from comus_core.settings import require
from comus_core.types import BoolMask, FloatArray, IntArray, ProposalId, StrArray


@dataclass(frozen=True)
class Score:
    """How well predicted categories agree with ground truth, over the pooled pixels of all images.

    Attributes:
        matching: the mode that was in effect.
        miou: percent, mean over all classes, background included; an absent class counts 0.
        pixel_accuracy: percent of the pixels that are not ignored.
        per_class: class name -> IoU in percent, in the order of the classes.
        class_of: row name -> class name, None for a row without a class.
    """

    matching: MatchingMode
    miou: float
    pixel_accuracy: float
    per_class: dict[str, float]
    class_of: dict[str, str | None]


@dataclass(frozen=True)
class CurvePoint:
    """One filter percentage: proposals kept, their share of the foreground proposals (0…1), and mIoU in percent."""

    percent: float
    kept: int
    coverage: float
    miou: float


def score(
    contingency: IntArray, matching: Matching, classes: Sequence[str], row_names: Sequence[str] | None = None
) -> Score:
    """The scores of a contingency table under any matching, its own or a frozen one (method 1.7).

    Args:
        contingency: (C + 1, n) int64 pixels, row 0 = predicted background.
        matching: a class for each of the C + 1 rows.
        classes: n different names, background first.
        row_names: C + 1 names; None means `background`, `cluster 0` and so on. A name that was given to several rows
            gets the category's number behind it in `class_of`.

    Raises:
        SettingsError: numbers that differ, a class name given twice.
    """
    if row_names is None:
        row_names = ("background", *(f"cluster {c}" for c in range(len(contingency) - 1)))
    _check_names(contingency, classes, row_names)
    confused = confusion(contingency, matching)
    iou, correct, total = _ious(confused), int(np.trace(confused)), int(confused.sum())
    return Score(
        matching=matching.mode,
        miou=float(100 * iou.mean()),
        pixel_accuracy=100 * correct / max(total, 1),
        per_class={name: float(100 * value) for name, value in zip(classes, iou, strict=True)},
        class_of={
            name: classes[k] if k >= 0 else None
            for name, k in zip(distinct(row_names), matching.class_of.tolist(), strict=True)
        },
    )


def confusion(contingency: IntArray, matching: Matching) -> IntArray:
    """Predicted class against true class, (n + 1, n) int64 pixels; the last row is predicted as no class.

    Raises:
        SettingsError: the matching is of another number of rows or classes.
    """
    rows, n = contingency.shape
    class_of = np.asarray(matching.class_of)
    require(
        len(class_of) == rows and bool((class_of < n).all()),
        f"a matching of {len(class_of)} rows to classes up to {class_of.max(initial=-1)}, but there are {rows} rows "
        f"(background and {rows - 1} categories) and {n} classes: use a matching of the same clusters and data set",
    )
    return sum_rows(contingency, np.where(class_of < 0, n, class_of), n + 1)


def filter_curve(
    counts: Counts,
    proposal_ids: StrArray | Sequence[ProposalId],
    category: IntArray,
    filter_rank: FloatArray,
    C: int,
    *,
    percents: Iterable[float] = range(101),
    matching: MatchingChoice | Matching = "auto",
    always: tuple[StrArray, IntArray] | None = None,
) -> list[CurvePoint]:
    """The score with dropped proposals as background, for each filter percentage.

    From the highest percentage down, the rows that come back are added: all points together read the counts once.

    Args:
        counts: rows of all scored images.
        proposal_ids: (n,) the proposals; one whose image was not counted is kept and dropped, but adds no pixels.
        category: (n,) integers, -1 = rejected or unassigned.
        filter_rank: (n,) of `comus_core.clustering.filtering`: kept exactly while `percent < filter_rank`.
        C: number of categories.
        percents: 0 to 100 in any order.
        matching: how categories become classes, anew at each percentage; or a matching to use at every percentage.
        always: ids and categories of drawn objects: they are in every score, and among no proposals kept.

    Raises:
        SettingsError: lengths that differ, a percentage outside 0 to 100, ids that do not belong together.
    """
    category, limit, wanted = np.asarray(category), np.asarray(filter_rank), [float(p) for p in percents]
    _check_curve(len(proposal_ids), category, limit, wanted)
    check_categories(category, C)
    foreground, steps = category >= 0, np.unique(wanted)
    kept_steps = np.where(foreground, np.searchsorted(steps, limit), 0)  # kept at the first so many of the steps
    table = np.zeros((C + 1, counts.n_classes), np.int64)
    table[0] = np.asarray(counts.values.sum(axis=0)).ravel()
    drawn = counts.find(always[0]) if always is not None else np.zeros(0, np.int64)
    some_drawn = bool((drawn >= 0).any())  # there may be no proposal in the images that are scored
    rows = counts.find(proposal_ids) if some_drawn else counts.rows_of(proposal_ids)
    if always is not None:
        own = np.asarray(always[1])
        table += _return_to_core(counts, drawn, own, (drawn >= 0) & (own >= 0), C)
    points: dict[float, CurvePoint] = {}
    for step in range(len(steps) - 1, -1, -1):
        table += _return_to_core(counts, rows, category, (kept_steps == step + 1) & (rows >= 0), C)
        kept = int(np.count_nonzero(kept_steps > step))
        miou = float(100 * _ious(confusion(table, match(table, matching))).mean())
        percent = float(steps[step])
        points[percent] = CurvePoint(percent, kept, kept / max(int(foreground.sum()), 1), miou)
    return [points[percent] for percent in wanted]


def _return_to_core(counts: Counts, rows: IntArray, category: IntArray, back: BoolMask, C: int) -> IntArray:
    """What changes in the table when proposals come back from background: (C + 1, n) int64."""
    change = sum_rows(counts.values[rows[back]], category[back] + 1, C + 1)
    change[0] = -change.sum(axis=0)
    return change


def _ious(confused: IntArray) -> FloatArray:
    """(n,) float64 IoU of each class, from (n + 1, n); 0 where neither predicted nor true."""
    n = confused.shape[1]
    correct = np.diagonal(confused)
    union = confused[:n].sum(axis=1) + confused.sum(axis=0) - correct
    iou: FloatArray = correct / np.maximum(union, 1)
    return iou


def distinct(names: Sequence[str]) -> list[str]:
    """The names, with the category's number behind each that occurred before; row 0 is the background's."""
    names_so_far: list[str] = []
    for row, name in enumerate(names):
        while name in names_so_far:
            name = f"{name} ({row - 1})"
        names_so_far.append(name)
    return names_so_far


def _check_names(contingency: IntArray, classes: Sequence[str], row_names: Sequence[str]) -> None:
    rows, n = contingency.shape
    require(len(classes) == n, f"{len(classes)} class names for {n} classes in the counts: name each, background first")
    require(len(row_names) == rows, f"{len(row_names)} row names for background and {rows - 1} categories: name each")
    twice = [name for name in dict.fromkeys(classes) if list(classes).count(name) > 1]
    require(not twice, f"class name '{', '.join(twice)}' is given twice: classes need different names")


def _check_curve(proposals: int, category: IntArray, limit: FloatArray, percents: list[float]) -> None:
    require(
        proposals == len(category) == len(limit),
        f"filter curve: {proposals} proposals, {len(category)} categories and {len(limit)} ranks: give one of each",
    )
    if wrong := [p for p in percents if not 0 <= p <= 100]:
        raise SettingsError(f"filter {wrong[0]}: a percentage from 0 to 100")
