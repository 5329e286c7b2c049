"""How sure the difference of each class's IoU is: the paired bootstrap over images, with the matching held fixed.

Fixed, because a class has an IoU in every resample only while it is clear which categories stand for it;
`bootstrap.paired_bootstrap` matches the whole anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comus_core.evaluation.bootstrap import CONFIDENCE, RESAMPLES, draws
from comus_core.evaluation.image_rows import ClassPixels
from comus_core.evaluation.pairing import paired_rows
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class ClassDifferences:
    """The second minus the first, in points of IoU; (n + 1,) float64 each: the classes, then their mean, mIoU.

    Attributes:
        difference: on all images.
        low: lower ends of the 95 % percentile intervals.
        high: their upper ends.
        resamples: how many.
    """

    difference: FloatArray
    low: FloatArray
    high: FloatArray
    resamples: int


def paired_class_bootstrap(
    first: ClassPixels, second: ClassPixels, *, resamples: int = RESAMPLES, seed: int = 0
) -> ClassDifferences:
    """Draw the images with replacement again and again, the same for both.

    Args:
        first: m images.
        second: the same images, in any order.
        resamples: how often.
        seed: of the drawing.

    Raises:
        SettingsError: other images, other ground truth, no image, fewer than one resample.
    """
    require(resamples >= 1, f"resamples {resamples}: at least 1")
    order = paired_rows(first.image_ids, second.image_ids, (first.true, second.true))
    sides = [
        [part.astype(np.float64) for part in (side.correct[rows], (side.predicted + side.true - side.correct)[rows])]
        for side, rows in ((first, np.arange(len(order))), (second, order))
    ]
    n, done = first.true.shape[1], 0
    differences = np.empty((resamples, n + 1))
    for weights in draws(len(order), resamples, seed, n):
        one, two = (_ious(weights, correct, union) for correct, union in sides)
        differences[done : done + len(weights)] = two - one
        done += len(weights)
    every = np.ones((1, len(order)))
    one, two = (_ious(every, correct, union)[0] for correct, union in sides)
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(differences, [tail, 100 - tail], axis=0)
    return ClassDifferences(two - one, low, high, resamples)


def _ious(weights: IntArray, correct: FloatArray, union: FloatArray) -> FloatArray:
    """(b, n + 1) percent of (b, m) weights; sums of pixels below 2**53 are exact in float64."""
    ious = 100 * (correct.T @ weights.T).T / np.maximum((union.T @ weights.T).T, 1)
    return np.column_stack([ious, ious.mean(axis=1)])
