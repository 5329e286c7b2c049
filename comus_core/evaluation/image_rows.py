"""The counts behind a score, image by image: which images are good, which are behind a cell, how large classes are.

A run's proposals and remainders and a trained round's categories are the same here: rows of pixels of one image, all
predicted as one category. Everything is a sum over them; no pixel is read twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from comus_core.evaluation.counts import Counts, check_categories, sum_rows
from comus_core.settings import require
from comus_core.text import counted
from comus_core.types import FloatArray, ImageId, IntArray

DISCOVERED = 20.0  # percent of IoU from which the paper counts a category as discovered (Table 3)


@dataclass(frozen=True, eq=False)
class ImageRows:
    """Pixels of parts of images.

    Attributes:
        image_ids: m different ids.
        image: (r,) int64, the image of each row.
        category: (r,) int64 0…C, what it was predicted as; 0 = background, category + 1.
        values: (r, n) int64 pixels of each class, a SciPy `csr_array`; ignored pixels are in none.
        categories: C.
    """

    image_ids: Sequence[ImageId]
    image: IntArray
    category: IntArray
    values: Any
    categories: int

    @staticmethod
    def of_counts(counts: Counts, rows: IntArray, category: IntArray, categories: int) -> ImageRows:
        """Of clusters: whatever is in no category, remainders of images among it, is predicted as background.

        Args:
            counts: r rows.
            rows: (n,) the row of each proposal, see `Counts.rows_of`; −1 adds nothing.
            category: (n,) integers 0…C−1, −1 for background.
            categories: C.

        Raises:
            SettingsError: a category outside −1…C−1.
        """
        rows, category = np.asarray(rows), np.asarray(category)
        check_categories(category, categories)
        predicted, counted = np.zeros(len(counts), np.int64), rows >= 0
        predicted[rows[counted]] = category[counted] + 1
        return ImageRows(*counts.images, predicted, counts.values, categories)

    @staticmethod
    def of_tables(image_ids: Sequence[ImageId], tables: IntArray) -> ImageRows:
        """Of a trained round: (m, C + 1, n) int64 pixels of each image, category and class."""
        from scipy.sparse import csr_array

        m, rows, n = tables.shape
        image, category = np.repeat(np.arange(m), rows), np.tile(np.arange(rows), m)
        flat = tables.reshape(m * rows, n)
        some = flat.any(axis=1)
        return ImageRows(list(image_ids), image[some], category[some], csr_array(flat[some]), rows - 1)

    @staticmethod
    def joined(parts: Sequence[ImageRows]) -> ImageRows:
        """Several of different images, in order; of one or more, with the same categories and classes."""
        from scipy.sparse import vstack

        starts = np.cumsum([0, *(len(part.image_ids) for part in parts)])
        image = np.concatenate([part.image + start for part, start in zip(parts, starts[:-1], strict=True)])
        category = np.concatenate([part.category for part in parts])
        ids = [image_id for part in parts for image_id in part.image_ids]
        return ImageRows(ids, image, category, vstack([p.values for p in parts], format="csr"), parts[0].categories)

    def without(self, image_ids: Set[ImageId]) -> ImageRows:
        """The rows of all other images."""
        if not image_ids:
            return self
        stay = np.array([image_id not in image_ids for image_id in self.image_ids], bool)
        if stay.all():
            return self
        rows, number = stay[self.image], np.cumsum(stay) - 1
        ids = [image_id for image_id, stays in zip(self.image_ids, stay, strict=True) if stays]
        return ImageRows(ids, number[self.image[rows]], self.category[rows], self.values[rows], self.categories)

    def paired(self, other: ImageRows) -> IntArray:
        """The images of other rows in the order of these, (m,) int64.

        Raises:
            SettingsError: other images, other ground truth, an image twice, no image.
        """
        row_of = {image_id: row for row, image_id in enumerate(other.image_ids)}
        for rows in (self, other):
            require(len(set(rows.image_ids)) == len(rows.image_ids), "an image was counted twice: evaluate again")
        alone = sorted(set(self.image_ids) ^ set(row_of))
        require(
            not alone,
            f"{counted(len(alone), 'image')} in one of the two scores alone, such as {', '.join(alone[:3])}: "
            "score both on the same data set",
        )
        require(bool(row_of), "no image has ground truth: there is nothing to compare")
        order = np.array([row_of[image_id] for image_id in self.image_ids], np.int64)
        same = self.classes == other.classes and not (self.true != other.true[order]).nnz
        require(same, "the two were counted against different ground truth: score both on the same data set")
        return order

    @property
    def classes(self) -> int:
        """How many classes there are, n."""
        return int(self.values.shape[1])

    @cached_property
    def contingency(self) -> IntArray:
        """(C + 1, n) int64 pixels of each category and class, over all images; row 0 is predicted background."""
        return sum_rows(self.values, self.category, self.categories + 1)

    @property
    def by_image(self) -> Any:
        """The contingency table of each image, flat: (m, (C + 1) n) int64, a SciPy `csr_array`."""
        entries = self.values.tocoo()
        column = self.category[entries.row] * self.classes + entries.col
        shape = (len(self.image_ids), (self.categories + 1) * self.classes)
        return _summed(self.image[entries.row], column, entries.data, slice(None), shape)

    @property
    def true(self) -> Any:
        """The pixels of each class in each image, (m, n) int64, a SciPy `csr_array`."""
        entries = self.values.tocoo()
        shape = (len(self.image_ids), self.classes)
        return _summed(self.image[entries.row], entries.col, entries.data, slice(None), shape)


@dataclass(frozen=True, eq=False)
class ClassPixels:
    """Pixels of each image and class, (m, n) int64 each, as SciPy `csr_array`.

    Attributes:
        image_ids: m ids.
        correct: of the class, and predicted as it.
        predicted: predicted as it.
        true: of the class.
    """

    image_ids: Sequence[ImageId]
    correct: Any
    predicted: Any
    true: Any

    @cached_property
    def ious(self) -> FloatArray:
        """(m,) float64, percent: the mean IoU of the classes that an image has or was given; NaN without any pixel."""
        union = (self.predicted + self.true - self.correct).tocsr()
        union.eliminate_zeros()
        inverse = union.copy().astype(np.float64)
        inverse.data = 1 / inverse.data
        classes = np.diff(union.indptr)
        total = np.asarray(self.correct.multiply(inverse).sum(axis=1)).ravel()
        return np.where(classes > 0, 100 * total / np.maximum(classes, 1), np.nan)


def class_pixels(rows: ImageRows, class_of: IntArray) -> ClassPixels:
    """The pixels of each image and class under a matching, `class_of` (C + 1,) with −1 for no class."""
    entries = rows.values.tocoo()
    image, true, pixels = rows.image[entries.row], entries.col, entries.data
    predicted = np.asarray(class_of)[rows.category[entries.row]]
    shape = (len(rows.image_ids), rows.classes)
    return ClassPixels(
        rows.image_ids,
        correct=_summed(image, true, pixels, predicted == true, shape),
        predicted=_summed(image, predicted, pixels, predicted >= 0, shape),
        true=rows.true,
    )


def cell_images(rows: ImageRows, class_of: IntArray, predicted: int, true: int) -> tuple[IntArray, IntArray]:
    """The images behind a cell of the confusion matrix: their numbers and pixels, most first, equals in id order.

    `class_of` is (C + 1,) of the matching; `predicted` is n for what was predicted as no class.
    """
    of_class = np.where(np.asarray(class_of) < 0, rows.classes, class_of)
    chosen = of_class[rows.category] == predicted
    pixels = np.zeros(len(rows.image_ids), np.int64)
    np.add.at(pixels, rows.image[chosen], rows.values[chosen][:, [true]].toarray().ravel())
    behind = np.flatnonzero(pixels)
    order = behind[np.argsort(-pixels[behind], kind="stable")]
    return order, pixels[order]


def class_sizes(pixels: ClassPixels) -> FloatArray:
    """(n,) float64, percent: how much of an image a class takes, on average over the images that have it.

    NaN for a class that no image has. A class is measured as a whole: counts do not tell its objects apart.
    """
    image_pixels = np.asarray(pixels.true.sum(axis=1)).ravel().astype(np.float64)
    shares = pixels.true.astype(np.float64).tocoo()
    share = shares.data / image_pixels[shares.row]
    total = np.bincount(shares.col, share, minlength=shares.shape[1])
    images = np.bincount(shares.col, minlength=shares.shape[1])
    return np.where(images > 0, 100 * total / np.maximum(images, 1), np.nan)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of size and IoU over `classes` object classes; None where it has no value."""

    rho: float | None
    p_value: float | None
    classes: int


def size_correlation(sizes: FloatArray, ious: FloatArray) -> Correlation:
    """How far larger classes are found better (the paper's Figure 9).

    `sizes` are (n,) of `class_sizes`, background first; it and classes that no image has are left out. `ious` are (n,)
    percent.
    """
    from scipy.stats import spearmanr

    there = np.isfinite(sizes)
    there[0] = False
    size, iou = np.asarray(sizes)[there], np.asarray(ious)[there]
    if len(size) < 3 or np.ptp(size) == 0 or np.ptp(iou) == 0:
        return Correlation(None, None, len(size))
    correlation = spearmanr(size, iou)
    return Correlation(float(correlation.statistic), float(correlation.pvalue), len(size))


def discovered(per_class: Mapping[str, float], at_least: float = DISCOVERED) -> list[str]:
    """The object classes, background left out, whose IoU in percent is at least so high."""
    return [name for name, iou in list(per_class.items())[1:] if iou >= at_least]


def _summed(image: IntArray, column: IntArray, pixels: IntArray, some: Any, shape: tuple[int, int]) -> Any:
    from scipy.sparse import coo_array

    sums = coo_array((pixels[some].astype(np.int64), (image[some], column[some])), shape=shape).tocsr()
    sums.eliminate_zeros()
    return sums
