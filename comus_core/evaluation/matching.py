"""Which class each category stands for: one to one (Hungarian) or by majority, on IoU (method 1.7), or on pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.settings import check_choice
from comus_core.types import FloatArray, IntArray

MatchingMode = Literal["hungarian", "hungarian-rectangular", "counts", "counts-rectangular", "majority"]
NO_CLASS = -1  # of the rows that a rectangular assignment leaves over


@dataclass(frozen=True, eq=False)
class Matching:
    """A class for every row of a contingency table.

    Attributes:
        mode: what was done; `hungarian-rectangular` and `counts-rectangular` are one to one with more or fewer
            categories than classes.
        class_of: (C + 1,) int64, row 0 = predicted background; -1 = no class, so that all its pixels are errors.
    """

    mode: MatchingMode
    class_of: IntArray


def iou_matrix(contingency: IntArray) -> FloatArray:
    """Intersection over union of each predicted row with each class; 0 where both are empty.

    `contingency` is (…, C + 1, n) int64 pixels, one table or many; so is the answer, float64 in [0, 1].
    """
    union = contingency.sum(axis=-1, keepdims=True) + contingency.sum(axis=-2, keepdims=True) - contingency
    iou: FloatArray = contingency / np.maximum(union, 1)
    return iou


def mode_of(choice: MatchingChoice, categories: int, foreground: int) -> MatchingMode:
    """What a choice comes to; the only place where `auto` is resolved.

    Args:
        choice: `hungarian` one to one, maximising the sum of IoU; `counts` one to one, maximising the number of equal
            pixels, as STEGO and CAUSE do; `majority` the class of highest IoU for each row,
            several rows to a class; `auto` Hungarian where there are as many categories as foreground classes, else
            majority.
        categories: C.
        foreground: classes without background.

    Raises:
        SettingsError: an unknown choice.
    """
    check_choice("matching", choice, MatchingChoice)
    square = categories == foreground
    if choice == "majority" or (choice == "auto" and not square):
        return "majority"
    if choice == "counts":
        return "counts" if square else "counts-rectangular"
    return "hungarian" if square else "hungarian-rectangular"


def match(contingency: IntArray, how: MatchingChoice | Matching = "auto") -> Matching:
    """The best class for every row, background neither fixed nor left out.

    `contingency` is (C + 1, n) int64 pixels, row 0 = predicted background; a matching is used as it is, see `mode_of`
    for other values of `how`.

    Raises:
        SettingsError: an unknown choice.
    """
    if isinstance(how, Matching):
        return how
    mode = mode_of(how, contingency.shape[0] - 1, contingency.shape[1] - 1)
    return Matching(mode, majority(contingency) if mode == "majority" else one_to_one(contingency, by=basis(mode)))


def majority(contingency: IntArray) -> IntArray:
    """The class of highest IoU for each row, (C + 1,) int64; of equals the first: class 0 for an empty row."""
    best: IntArray = iou_matrix(contingency).argmax(axis=1)
    return best.astype(np.int64)


def basis(mode: MatchingMode) -> Literal["iou", "pixels"]:
    """What a matching one to one maximises the sum of."""
    return "pixels" if mode.startswith("counts") else "iou"


def one_to_one(contingency: IntArray, by: Literal["iou", "pixels"] = "iou") -> IntArray:
    """The assignment of highest total IoU, or most equal pixels, (C + 1,) int64; -1 for rows left over where C + 1 > n.

    Rows are first put in the order of their content: among assignments of equal total the choice then depends on what
    the clusters hold, never on how they are numbered.
    """
    from scipy.optimize import linear_sum_assignment

    order = np.lexsort(contingency.T)
    worth = contingency[order] if by == "pixels" else iou_matrix(contingency[order])
    rows, classes = linear_sum_assignment(worth, maximize=True)
    class_of = np.full(len(contingency), NO_CLASS, np.int64)
    class_of[order[rows]] = classes
    return class_of
