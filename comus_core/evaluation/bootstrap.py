"""A paired bootstrap over images: how sure the difference of two mIoUs is on the images that both were scored on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import Matching, iou_matrix, match, mode_of
from comus_core.evaluation.pairing import paired_rows
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray

RESAMPLES = 10_000
CONFIDENCE = 95.0  # percent of the resamples that the interval holds
BLOCK_CELLS = 500_000  # cells of the tables held at once


@dataclass(frozen=True, eq=False)
class CountedImages:
    """One prediction of m images.

    Attributes:
        rows: its pixels, image by image.
        matching: how categories become classes: anew in every resample, as the score is defined; or a matching to use
            in each of them.
    """

    rows: ImageRows
    matching: MatchingChoice | Matching = "auto"

    @property
    def shape(self) -> tuple[int, int]:
        """(C + 1, n) of the contingency table."""
        return self.rows.categories + 1, self.rows.classes

    def with_fixed_matching(self) -> CountedImages:
        """The same, matched once on all images."""
        return CountedImages(self.rows, match(self.rows.contingency, self.matching))


@dataclass(frozen=True)
class PairedBootstrap:
    """The second mIoU minus the first, in points.

    Attributes:
        difference: on all images.
        mean: over the resamples.
        low: lower end of the 95 % percentile interval.
        high: its upper end.
        share_not_above: share of the resamples, 0…1, in which the second is not above the first.
        images: how many were drawn from, and in each resample.
        resamples: how many.
        seed: of the drawing.
    """

    difference: float
    mean: float
    low: float
    high: float
    share_not_above: float
    images: int
    resamples: int
    seed: int


def paired_bootstrap(
    first: CountedImages, second: CountedImages, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedBootstrap:
    """Draw the images with replacement again and again, the same for both, and score both each time.

    Args:
        first: m images.
        second: the same images, in any order.
        resamples: how often.
        seed: of the drawing.

    Raises:
        SettingsError: other images, other ground truth, no image, fewer than one resample.
    """
    require(resamples >= 1, f"resamples {resamples}: at least 1")
    images, others = first.rows.image_ids, second.rows.image_ids
    order = paired_rows(images, others, (first.rows.true, second.rows.true))
    differences, done = np.empty(resamples), 0
    one, two = first.rows.by_image, second.rows.by_image[order]
    for weights in draws(len(images), resamples, seed, max(one.shape[1], two.shape[1])):
        scores = [_mious(_tables(weights, rows, side.shape), side) for rows, side in ((one, first), (two, second))]
        differences[done : done + len(weights)] = scores[1] - scores[0]
        done += len(weights)
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(differences, [tail, 100 - tail])
    return PairedBootstrap(
        difference=float(miou(second) - miou(first)),
        mean=float(differences.mean()),
        low=float(low),
        high=float(high),
        share_not_above=float((differences <= 0).mean()),
        images=len(images),
        resamples=resamples,
        seed=seed,
    )


def miou(counted: CountedImages) -> float:
    """Percent, over the pooled pixels of all images."""
    return float(_mious(counted.rows.contingency[None], counted)[0])


def draws(images: int, resamples: int, seed: int, cells: int) -> Iterator[IntArray]:
    """How often each image is drawn, (b, m) int64, block by block; the numbers do not depend on the block."""
    rng, block = np.random.default_rng(seed), max(1, BLOCK_CELLS // max(cells, images))
    shares = np.full(images, 1 / images)
    for start in range(0, resamples, block):
        yield rng.multinomial(images, shares, size=min(block, resamples - start))


def _tables(weights: IntArray, rows: Any, shape: tuple[int, ...]) -> IntArray:
    """(b, C + 1, n) int64, exact."""
    tables: IntArray = np.ascontiguousarray((rows.T @ weights.T).T).reshape(len(weights), *shape)
    return tables


def _mious(tables: IntArray, side: CountedImages) -> FloatArray:
    """(b,) percent of (b, C + 1, n), each matched as `side` says."""
    rows, n = tables.shape[1:]
    if isinstance(side.matching, Matching):
        fixed = side.matching.class_of
        require(len(fixed) == rows, f"a matching of {len(fixed)} rows for {rows}: use one of the same clusters")
        class_of = np.broadcast_to(fixed, tables.shape[:2])
    else:
        class_of = _matched(tables, side.matching)
    named = class_of[:, :, None] == np.arange(n)  # a row without a class is in none
    correct = (tables * named).sum(axis=1)
    predicted = (tables.sum(axis=2)[:, :, None] * named).sum(axis=1)
    union = predicted + tables.sum(axis=1) - correct
    mious: FloatArray = 100 * (correct / np.maximum(union, 1)).mean(axis=1)
    return mious


def _matched(tables: IntArray, choice: MatchingChoice) -> IntArray:
    """(b, C + 1) int64. Of assignments of equal total any will do here: their mIoU is that total over the classes."""
    from scipy.optimize import linear_sum_assignment

    ious = iou_matrix(tables)
    if mode_of(choice, tables.shape[1] - 1, tables.shape[2] - 1) == "majority":
        best: IntArray = ious.argmax(axis=2)
        return best
    class_of = np.full(tables.shape[:2], -1, np.int64)
    for number, iou in enumerate(ious):
        rows, classes = linear_sum_assignment(iou, maximize=True)
        class_of[number, rows] = classes
    return class_of
