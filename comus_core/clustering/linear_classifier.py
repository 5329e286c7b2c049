"""A linear classifier of vectors: it names objects in self-training, and completes a consensus of clusterings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.clustering.graph import normalise
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray, Vectors

PENALTY = 20.0  # inverse of the L2 penalty, for vectors of length 1
STEPS = 300


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
