"""What the run's own encoder says an object is: a linear classifier of the core's features.

A segmenter that learns from a few hundred pseudo-masks finds well where an object ends and poorly what it is; the
features that made the clusters know more. A linear softmax over them, learned from the core alone, is the usual probe
of self-supervised features (DINO, section 4.1), here with pseudo-labels for labels. What is around an object tells of
it too: a second, larger crop (`docs/results.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from comus_core.clustering.graph import normalise
from comus_core.features.crops import enlarged_box
from comus_core.features.regions import Describe
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray, RgbImage, Vectors

PENALTY = 20.0  # inverse of the L2 penalty, for vectors of length 1
STEPS = 300
LEAST_AREA = 400  # pixels of the image; what is smaller is no proposal either (method 1.1) and is not classified


@dataclass(frozen=True)
class LinearClassifier:
    """Softmax of `unit vectors @ weight.T + bias`, weight (C, d) and bias (C,) float32; −inf bias: never seen.

    With `surroundings` above 0 its vectors are those of an object's crop and of the crop with that share of its sides
    added, `joint_vectors`.
    """

    weight: FloatArray
    bias: FloatArray
    surroundings: float = 0.0

    def probabilities(self, vectors: Vectors) -> FloatArray:
        """(n, C) float32 of raw vectors (n, d), or joint ones where it has seen surroundings."""
        scores = normalise(vectors, "l2") @ self.weight.T + self.bias
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        shares: FloatArray = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def joint_vectors(own: Vectors, around: Vectors) -> Vectors:
    """(n, 2 d) of an object's and its surroundings' raw vectors, (n, d) each, which weigh the same.

    Raises:
        SettingsError: they differ in number.
    """
    require(len(own) == len(around), f"{len(own)} vectors, but {len(around)} of what is around")
    return np.hstack([normalise(own, "l2"), normalise(around, "l2")])


def fit_classifier(
    vectors: Vectors, category: IntArray, categories: int, surroundings: float = 0.0
) -> LinearClassifier:
    """Logistic regression (scikit-learn's, L-BFGS: no randomness) of categories on vectors brought to length 1.

    Every category weighs the same, however many proposals it has: mIoU counts classes, not images.

    Args:
        vectors: (n, d) raw features of the core, or (n, 2 d) `joint_vectors`.
        category: (n,) integers from 0 to C - 1; one that nobody has is never predicted.
        categories: C.
        surroundings: share of a box's sides added for the second half of `joint_vectors`; 0 for those of crops.

    Raises:
        SettingsError: no vectors, lengths that differ, a category outside, NaN or infinite vectors.
    """
    from sklearn.linear_model import LogisticRegression

    require(len(vectors) > 0, "no proposal is in the core: there is nothing to learn categories from")
    require(len(vectors) == len(category), f"{len(vectors)} vectors but {len(category)} categories")
    require(category.min() >= 0 and category.max() < categories, f"categories must lie in 0 to {categories - 1}")
    present, units = np.unique(category), normalise(vectors, "l2")
    weight = np.zeros((categories, units.shape[1]), np.float32)
    bias = np.full(categories, -np.inf, np.float32)
    if len(present) == 1:
        bias[present] = 0
        return LinearClassifier(weight, bias, surroundings)
    model: Any = LogisticRegression(C=PENALTY, max_iter=STEPS, class_weight="balanced").fit(units, category)
    if len(present) == 2:  # one row for the second of the two
        weight[present[1]], bias[present] = model.coef_[0], [0, model.intercept_[0]]
    else:
        weight[present], bias[present] = model.coef_, model.intercept_
    return LinearClassifier(weight, bias, surroundings)


def objects_of(image: RgbImage, objects: IntArray, describe: Describe, classifier: LinearClassifier) -> FloatArray:
    """How likely each object of an image is of each category, by itself and, if it was learned so, what is around.

    `image` is (H, W, 3) uint8, `objects` (h, w) integers, 0 for none and 1 … m, at any size of the image; `describe`
    is that of the run's features.

    Returns:
        (m, C) float32; NaN rows for objects of fewer than `LEAST_AREA` pixels of the image.
    """
    size, shape = np.array(image.shape[:2]), np.array(objects.shape)
    scale = size / shape
    boxes = ndimage.find_objects(objects)
    shares = np.full((len(boxes), len(classifier.bias)), np.nan, np.float32)
    areas = np.bincount(objects.ravel(), minlength=len(boxes) + 1)[1:] * scale.prod()
    large = np.flatnonzero(areas >= LEAST_AREA)
    if len(large):
        own = [_enlarged(boxes[k], scale, size) for k in large]
        regions = describe(image)
        vectors = regions.vectors(own, (objects == k + 1 for k in large))
        if classifier.surroundings:
            around = [enlarged_box(box, classifier.surroundings, image.shape[:2]) for box in own]
            vectors = joint_vectors(vectors, regions.vectors(around))
        shares[large] = classifier.probabilities(vectors)
    return shares


def _enlarged(box: tuple[slice, slice], scale: FloatArray, size: IntArray) -> list[int]:
    """x0, y0, x1, y1 at the image's size, holding every pixel that the small box touches."""
    first = np.floor([side.start * s for side, s in zip(box, scale, strict=True)]).astype(int)
    last = np.minimum(np.ceil([side.stop * s for side, s in zip(box, scale, strict=True)]).astype(int), size)
    return [int(first[1]), int(first[0]), int(last[1]), int(last[0])]
