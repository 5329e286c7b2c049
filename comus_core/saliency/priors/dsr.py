"""`dsr`: saliency by dense and sparse reconstruction from the border of the image (Li et al., ICCV 2013)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from comus_core.config.formulas import DsrSettings
from comus_core.saliency.priors.picture import Picture, scaled
from comus_core.saliency.priors.prior import prior_spec
from comus_core.types import FloatArray, IntArray, SoftMap

if TYPE_CHECKING:
    from comus_core.saliency.priors.superpixels import Superpixels

NAME = "dsr"
BINS = 60  # of the histograms in the Bayesian integration
Points = NDArray[np.float64]


def dsr_map(picture: Picture) -> SoftMap:
    """How badly the superpixels of the border reconstruct each part of the image, over several scales.

    Returns:
        (h, w) float32 in [0, 1], stretched.
    """
    from comus_core.saliency.priors.lasso import sparse_errors

    constants = picture.settings.dsr
    per_pixel = _pixel_features(picture)
    dense, sparse, total = (np.zeros(picture.image.shape[:2], np.float32) for _ in range(3))
    for count, compactness in zip(constants.superpixels, constants.compactness, strict=True):
        found = picture.superpixels(count, compactness)
        points = features(found)
        near = affinity_to(found, points, per_pixel)
        total += near
        similar = similarities(points, k_means(points, constants.clusters))
        for errors, fused in (
            (dense_errors(points, points[found.border], constants.energy), dense),
            (sparse_errors(points, points[found.border], constants.sparsity), sparse),
        ):
            fused += near * found.spread(spread_errors(scaled(errors), similar, constants.spread))
    one, other = (centred(scaled(fused / total), constants) for fused in (dense, sparse))
    return scaled(posterior(one, other) + posterior(other, one))


def features(found: Superpixels) -> Points:
    """(n, 8) mean Lab, RGB, x and y of superpixels, each in 0…1."""
    return np.concatenate([_unit_lab(found.lab), found.rgb, found.centre[:, ::-1]], axis=1)


def dense_errors(points: Points, templates: Points, energy: float) -> Points:
    """(n,) squared distances of points from the principal components of the templates (eqs. 1 and 2).

    As many components as hold the share `energy` of the templates' variance.
    """
    mean = templates.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(templates.T, bias=True))
    share = np.cumsum(values[::-1]) / max(float(values.sum()), 1e-12)
    base = vectors[:, ::-1][:, : int(np.searchsorted(share, energy - 1e-9)) + 1]
    away = points - mean
    return np.asarray(((away - away @ base @ base.T) ** 2).sum(axis=1))


def similarities(points: Points, clusters: IntArray) -> Points:
    """(n, n) exp(−d² / 2σ²) of the points of the same cluster, 0 of others; σ² is the mean variance of a feature."""
    variance = max(float(points.var(axis=0).mean()), 1e-12)
    squares = squared_distances(points, points)
    return np.where(clusters[:, None] == clusters[None], np.exp(-squares / (2 * variance)), 0.0)


def spread_errors(errors: FloatArray, similar: Points, share: float) -> Points:
    """(n,) errors, each mixed with the higher ones of its cluster: ε̃ᵢ = τ Σ wᵢⱼ ε̃ⱼ + (1 − τ) εᵢ (eqs. 5 and 6).

    The sum is over those whose error is higher, weighted by how similar they are; the highest of a cluster stays.
    `similar` is that of `similarities`, `share` is τ.
    """
    from scipy.linalg import solve_triangular

    order = np.argsort(-errors, kind="stable")
    weights = np.tril(similar[np.ix_(order, order)], -1)
    sums = weights.sum(axis=1, keepdims=True)
    mixed = share * np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    own = np.where(sums[:, 0] > 0, 1 - share, 1.0) * errors[order]
    spread = np.empty(len(errors))
    spread[order] = solve_triangular(np.eye(len(errors)) - mixed, own, lower=True, unit_diagonal=True)
    return spread


def squared_distances(points: Points, others: Points) -> Points:
    """(n, m) squared Euclidean distances of (n, d) and (m, d) points."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * points @ others.T
    return np.asarray(np.maximum(squares, 0))


def k_means(points: Points, clusters: int, iterations: int = 50) -> IntArray:
    """(n,) clusters of points, by Lloyd's iteration from centres that are far apart: the same points, the same bits."""
    centres = points[[int(np.argmax(((points - points.mean(axis=0)) ** 2).sum(axis=1)))]]
    while len(centres) < min(clusters, len(points)):
        nearest = squared_distances(points, centres).min(axis=1)
        centres = np.concatenate([centres, points[[int(np.argmax(nearest))]]])
    labels = np.full(len(points), -1)
    for _ in range(iterations):
        new = squared_distances(points, centres).argmin(axis=1)
        if np.array_equal(new, labels):
            break
        labels = new
        member = np.eye(len(centres))[labels]
        sizes = member.sum(axis=0)[:, None]
        centres = np.where(sizes > 0, member.T @ points / np.maximum(sizes, 1), centres)
    return labels


def affinity_to(found: Superpixels, points: Points, per_pixel: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) weight of a scale at each pixel: one over the distance of its features from its superpixel's (eq. 8)."""
    away = per_pixel - points.astype(np.float32)[found.labels]
    return np.asarray(1 / (np.sqrt(np.einsum("hwc,hwc->hw", away, away)) + 1e-3), np.float32)


def centred(errors: SoftMap, constants: DsrSettings) -> SoftMap:
    """The map weighted by a Gaussian around its own centre of mass (eqs. 9 and 10), stretched."""
    height, width = errors.shape
    mass = max(float(errors.sum()), 1e-12)
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    from_y = y - float(errors.sum(axis=1) @ y) / mass
    from_x = x - float(errors.sum(axis=0) @ x) / mass
    falls = 2 * constants.centre**2
    return scaled(errors * np.exp(-(from_y**2) / falls)[:, None] * np.exp(-(from_x**2) / falls)[None])


def posterior(prior: SoftMap, seen: SoftMap) -> SoftMap:
    """p(object | `seen`) by Bayes' rule with the map `prior` as the prior (eqs. 11 and 12), both (h, w).

    How likely a value of `seen` is in object and background is counted where `prior` is above and below its mean.
    """
    inside = prior > prior.mean()
    if not inside.any():  # the same everywhere
        return prior
    value = np.minimum((seen * BINS).astype(int), BINS - 1)
    likely, unlikely = (np.bincount(value[where], minlength=BINS)[value] / where.sum() for where in (inside, ~inside))
    for_object, against = prior * likely, (1 - prior) * unlikely
    share = np.divide(for_object, for_object + against, out=np.zeros_like(for_object), where=for_object > 0)
    return np.asarray(share, np.float32)


def _unit_lab(lab: FloatArray) -> FloatArray:
    return np.asarray((lab + np.array([0, 128, 128])) / np.array([100, 256, 256]))


def _pixel_features(picture: Picture) -> NDArray[np.float32]:
    """(h, w, 8) of each pixel, as `features` of each superpixel."""
    height, width = picture.image.shape[:2]
    y, x = np.mgrid[:height, :width]
    places = np.stack([(x + 0.5) / width, (y + 0.5) / height], axis=2)
    whole = np.concatenate([_unit_lab(picture.lab), picture.image / 255, places], axis=2)
    return np.asarray(whole, np.float32)


SPEC = prior_spec(
    NAME,
    "dense and sparse reconstruction from the border of the image; learns nothing",
    dsr_map,
    ("iterations", NAME),
    seconds=0.18,
)
