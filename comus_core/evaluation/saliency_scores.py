"""Scores of soft maps and of the masks that they become: pure arithmetic on bytes and booleans.

Maps are compared at the size of their images, as bytes: 256 levels, as `comus saliency predict` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comus_core.errors import DatasetError
from comus_core.types import BoolMask, ByteArray, FloatArray, IntArray

LEVELS = 256
BETA2 = 0.3  # β² of the F-measure of salient object detection (Achanta et al. 2009, section 4.1)


@dataclass(frozen=True)
class BestF:
    """The largest F-measure, from 0 to 1, and the smallest threshold that reaches it, from 0 to 255."""

    value: float
    level: int


def overlap(first: BoolMask, second: BoolMask, valid: BoolMask | None = None) -> tuple[int, int]:
    """Pixels of the intersection and of the union of two (H, W) masks, where `valid` if that is given.

    Raises:
        DatasetError: sizes that differ.
    """
    if first.shape != second.shape:
        raise DatasetError(f"masks of {first.shape} and {second.shape} pixels: give those of one image")
    both, either = first & second, first | second
    if valid is not None:
        both, either = both & valid, either & valid
    return int(both.sum()), int(either.sum())


def ious(overlaps: IntArray) -> FloatArray:
    """Intersections and unions (n, 2) -> IoU (n,) in [0, 1]; 1 where both masks are empty: they agree on nothing."""
    intersection, union = np.asarray(overlaps, np.float64).reshape(-1, 2).T
    return np.divide(intersection, union, out=np.ones(len(union)), where=union > 0)


def mean_iou(overlaps: IntArray) -> float | None:
    """Mean of `ious` over images, in [0, 1]; None without images."""
    return float(ious(overlaps).mean()) if len(overlaps) else None


def pooled_iou(overlaps: IntArray) -> float | None:
    """Sum of the intersections (n, 2)[:, 0] over that of the unions, in [0, 1]; None where all masks are empty."""
    intersection, union = np.asarray(overlaps, np.int64).reshape(-1, 2).sum(axis=0)
    return float(intersection / union) if union else None


def level_counts(soft: ByteArray, foreground: BoolMask, valid: BoolMask) -> IntArray:
    """How many valid pixels have each level, (2, 256) int64: background, then foreground.

    All that precision, recall and mean absolute error need to know of an image.

    Args:
        soft: (H, W) uint8, the map at the size of the image.
        foreground: (H, W), the true objects of any class.
        valid: (H, W), False where the ground truth says nothing.

    Raises:
        DatasetError: sizes that differ.
    """
    if not soft.shape == foreground.shape == valid.shape:
        raise DatasetError(f"a soft map of {soft.shape} pixels, ground truth of {foreground.shape}: give equal sizes")
    index = soft[valid].astype(np.intp) + LEVELS * foreground[valid]
    return np.bincount(index, minlength=2 * LEVELS).reshape(2, LEVELS).astype(np.int64)


def precision_and_recall(counts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Precision and recall of an image at each of 256 thresholds, two arrays (256,).

    At threshold t, pixels of level t or more are predicted. Where nothing is predicted, precision is 0.

    Args:
        counts: (2, 256), see `level_counts`, with at least one foreground pixel.
    """
    predicted = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    hits, all_predicted = predicted[1].astype(np.float64), predicted.sum(axis=0)
    precision = np.divide(hits, all_predicted, out=np.zeros(LEVELS), where=all_predicted > 0)
    return precision, hits / predicted[1, 0]


def max_f_measure(counts: IntArray, beta2: float = BETA2) -> BestF | None:
    """The maximal F-measure of a set of images, as in the benchmark of Borji et al. (2015, section 3.3).

    At each of 256 thresholds, precision and recall are averaged over the images; F of these two means is
    (1 + β²) P R / (β² P + R); the largest over the thresholds counts. (Others average the F of each image instead.)
    Images without any foreground pixel have no recall, and are left out.

    Args:
        counts: (n, 2, 256), one `level_counts` an image.
        beta2: β².

    Returns:
        None where no image has foreground.
    """
    counts = np.asarray(counts, np.int64).reshape(-1, 2, LEVELS)
    curves = [precision_and_recall(one) for one in counts if one[1].any()]
    if not curves:
        return None
    precision, recall = np.mean(np.array(curves), axis=0)
    below = beta2 * precision + recall
    f = np.divide((1 + beta2) * precision * recall, below, out=np.zeros(LEVELS), where=below > 0)
    return BestF(float(f.max()), int(f.argmax()))


def mean_absolute_error(counts: IntArray) -> float | None:
    """Mean over images of the mean of |map − ground truth| over valid pixels, both in [0, 1].

    Perazzi et al. (2012, section 4.1). Images without a valid pixel are left out; None where none is left.

    Args:
        counts: (n, 2, 256), one `level_counts` an image.
    """
    counts = np.asarray(counts, np.int64).reshape(-1, 2, LEVELS)
    level = np.arange(LEVELS) / (LEVELS - 1)
    pixels = counts.sum(axis=(1, 2))
    errors = counts[:, 0] @ level + counts[:, 1] @ (1 - level)
    return float(np.mean(errors[pixels > 0] / pixels[pixels > 0])) if pixels.any() else None


def agreement_matrix(pair_ious: FloatArray, detectors: int) -> NDArray[np.float64]:
    """The mean IoU of every two detectors, symmetric (k, k) with ones on the diagonal.

    Args:
        pair_ious: (n, k (k − 1) / 2), an image a row, pairs in the order of `itertools.combinations`.
        detectors: k.
    """
    matrix = np.eye(detectors)
    rows, columns = np.triu_indices(detectors, 1)
    if len(pair_ious):
        matrix[rows, columns] = matrix[columns, rows] = np.asarray(pair_ious, np.float64).mean(axis=0)
    return matrix
