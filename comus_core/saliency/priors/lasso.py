"""Sparse reconstruction of many points from few templates, exactly, one active set after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from comus_core.saliency.priors.compiled import compiled

EXACT = 1e-7  # by how much, relative to the sparsity, a template may fit better than it should at the optimum
RIDGE = 1e-11  # keeps the templates in use independent, where some are alike
STEPS = 400  # at most, for one point; a dozen are usual


def sparse_errors(points: NDArray[np.float64], templates: NDArray[np.float64], sparsity: float) -> NDArray[np.float64]:
    """The (n,) squared errors |x − Bα|² of the α that minimise ½ |x − Bα|² + `sparsity` |α|₁.

    `points` x are (n, d), `templates`, the columns of B, (m, d). With few dimensions few templates are in use at once,
    and the optimum is found by taking in the one that fits best and leaving out those whose weight would change its
    sign (feature-sign search, Lee et al. 2006): exact, where coordinate descent needs hundreds of rounds.
    """
    return np.asarray(_errors(np.ascontiguousarray(points), np.ascontiguousarray(templates), sparsity))


def _all_errors(points: Any, templates: Any, sparsity: float) -> Any:
    n, d = points.shape
    errors = np.empty(n)
    most = min(len(templates), d + 1)  # in use at once
    used, signs, weights = np.empty(most, np.int64), np.empty(most), np.empty(most)
    for i in range(n):
        rest, count = points[i].copy(), 0
        for _ in range(STEPS):
            best, fit = _best(templates, rest, used, count)
            if count == most or abs(fit) <= sparsity * (1 + EXACT):
                break
            used[count], signs[count], weights[count] = best, np.sign(fit), 0.0
            count = _settle(points[i], templates, sparsity, used, signs, weights, count + 1)
            rest[:] = points[i]
            for k in range(count):
                rest -= weights[k] * templates[used[k]]
        errors[i] = (rest**2).sum()
    return errors


def _best_template(templates: Any, rest: Any, used: Any, count: int) -> Any:
    """The template not in use with the largest product with the residual, and that product."""
    best, fit = 0, 0.0
    for j in range(len(templates)):
        product = 0.0
        for c in range(len(rest)):
            product += templates[j, c] * rest[c]
        if abs(product) > abs(fit):
            taken = False
            for k in range(count):
                taken = taken or used[k] == j
            if not taken:
                best, fit = j, product
    return best, fit


def _settle_signs(point: Any, templates: Any, sparsity: float, used: Any, signs: Any, weights: Any, count: int) -> Any:
    """The optimal weights of the templates in use, leaving out those that reach zero on the way; how many stay."""
    while count > 0:
        target = _solve(point, templates, sparsity, used, signs, count)
        share, leaves = 1.0, -1
        for k in range(count):
            if target[k] * signs[k] <= 0:
                reached = weights[k] / (weights[k] - target[k]) if weights[k] != target[k] else 0.0
                if reached < share:
                    share, leaves = reached, k
        for k in range(count):
            weights[k] += share * (target[k] - weights[k])
        if leaves < 0:
            break
        count -= 1
        for k in range(leaves, count):
            used[k], signs[k], weights[k] = used[k + 1], signs[k + 1], weights[k + 1]
    return count


def _solve_signs(point: Any, templates: Any, sparsity: float, used: Any, signs: Any, count: int) -> Any:
    """The (count,) weights that are optimal if each keeps its sign, by Cholesky's decomposition."""
    gram, right = np.empty((count, count)), np.empty(count)
    for k in range(count):
        one = templates[used[k]]
        right[k] = (one * point).sum() - sparsity * signs[k]
        for other in range(k + 1):
            gram[k, other] = (one * templates[used[other]]).sum()
        gram[k, k] *= 1 + RIDGE
    for k in range(count):
        for other in range(k + 1):
            left = gram[k, other]
            for c in range(other):
                left -= gram[k, c] * gram[other, c]
            gram[k, other] = np.sqrt(max(left, RIDGE * gram[k, k])) if other == k else left / gram[other, other]
    for k in range(count):
        for c in range(k):
            right[k] -= gram[k, c] * right[c]
        right[k] /= gram[k, k]
    for k in range(count - 1, -1, -1):
        for c in range(k + 1, count):
            right[k] -= gram[c, k] * right[c]
        right[k] /= gram[k, k]
    return right


_best, _solve, _settle, _errors = map(compiled, (_best_template, _solve_signs, _settle_signs, _all_errors))
