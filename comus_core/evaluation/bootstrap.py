"""A paired bootstrap over images: how sure the differences of two scores are on the images that both are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import Matching, basis, iou_matrix, match, mode_of
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
    """The second score minus the first, in points of IoU.

    Attributes:
        difference: of the mIoUs, on all images.
        mean: over the resamples.
        low: lower end of the 95 % percentile interval.
        high: its upper end.
        share_not_above: share of the resamples, 0…1, in which the second is not above the first.
        images: how many were drawn from, and in each resample.
        resamples: how many.
        seed: of the drawing.
        matching_fixed: whether the resamples for the mIoU were matched as all images are, not each anew.
        classes: (difference, low, high) of each class, with the matching always held fixed: a class has an IoU in every
            resample only while it is clear which categories stand for it.
    """

    difference: float
    mean: float
    low: float
    high: float
    share_not_above: float
    images: int
    resamples: int
    seed: int
    matching_fixed: bool
    classes: tuple[tuple[float, float, float], ...]


def paired_bootstrap(
    first: CountedImages, second: CountedImages, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedBootstrap:
    """Draw the images with replacement again and again, the same for both, and score both each time.

    Both are of the same images, in any order.

    Raises:
        SettingsError: other images, other ground truth, no image, fewer than one resample.
    """
    require(resamples >= 1, f"resamples {resamples}: at least 1")
    sides, order = (first, second), first.rows.paired(second.rows)
    fixed = tuple(side.with_fixed_matching() for side in sides)
    flat = first.rows.by_image, second.rows.by_image[order]
    classes, done = np.empty((resamples, first.rows.classes)), 0
    mious = np.empty(resamples)
    for weights in draws(len(order), resamples, seed, max(rows.shape[1] for rows in flat)):
        block = slice(done, done := done + len(weights))
        tables = [_tables(weights, rows, side.shape) for rows, side in zip(flat, sides, strict=True)]
        anew, held = ([_ious(t, s) for t, s in zip(tables, each, strict=True)] for each in (sides, fixed))
        mious[block] = anew[1].mean(axis=1) - anew[0].mean(axis=1)
        classes[block] = held[1] - held[0]
    every = [_ious(side.rows.contingency[None], side)[0] for side in fixed]
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(mious, [tail, 100 - tail]).tolist()
    ends = (every[1] - every[0], *np.percentile(classes, [tail, 100 - tail], axis=0))
    return PairedBootstrap(
        difference=miou(second) - miou(first),
        mean=float(mious.mean()),
        low=low,
        high=high,
        share_not_above=float((mious <= 0).mean()),
        images=len(order),
        resamples=resamples,
        seed=seed,
        matching_fixed=all(isinstance(side.matching, Matching) for side in sides),
        classes=tuple(zip(*(end.tolist() for end in ends), strict=True)),
    )


def miou(counted: CountedImages) -> float:
    """Percent, over the pooled pixels of all images."""
    return float(_ious(counted.rows.contingency[None], counted).mean())


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


def _ious(tables: IntArray, side: CountedImages) -> FloatArray:
    """(b, n) percent of (b, C + 1, n), each matched as `side` says."""
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
    ious: FloatArray = 100 * correct / np.maximum(union, 1)
    return ious


def _matched(tables: IntArray, choice: MatchingChoice) -> IntArray:
    """(b, C + 1) int64. Of assignments of equal total any will do here: their mIoU is that total over the classes."""
    from scipy.optimize import linear_sum_assignment

    ious = iou_matrix(tables)
    mode = mode_of(choice, tables.shape[1] - 1, tables.shape[2] - 1)
    if mode == "majority":
        best: IntArray = ious.argmax(axis=2)
        return best
    class_of = np.full(tables.shape[:2], -1, np.int64)
    for number, worth in enumerate(tables if basis(mode) == "pixels" else ious):
        rows, classes = linear_sum_assignment(worth, maximize=True)
        class_of[number, rows] = classes
    return class_of
