"""The parts of DSR: sparse and dense errors, their spreading, and the fusion; against peers and plain loops."""

import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso

from comus_core.config.formulas import DsrSettings, PriorSettings
from comus_core.saliency.priors import dsr
from comus_core.saliency.priors.lasso import sparse_errors
from comus_core.saliency.priors.picture import picture_of
from tests.saliency.priors.drawn import disc


def by_scikit_learn(points, templates, sparsity):
    model = Lasso(sparsity / points.shape[1], fit_intercept=False, max_iter=200_000, tol=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = [model.fit(templates.T, point).coef_ for point in points]
    return np.array([((x - templates.T @ w) ** 2).sum() for x, w in zip(points, weights, strict=True)])


@pytest.mark.parametrize("sparsity", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("templates", [3, 8, 30])
def test_sparse_errors_are_those_of_scikit_learns_lasso(templates, sparsity):
    rng = np.random.default_rng(templates)
    base, points = rng.random((templates, 8)), rng.random((25, 8))
    expected = by_scikit_learn(points, base, sparsity)
    assert np.allclose(sparse_errors(points, base, sparsity), expected, rtol=1e-3, atol=1e-6)


def test_sparse_errors_of_superpixels_are_those_of_scikit_learns_lasso():
    found = picture_of(disc((90, 120), 40)[0], PriorSettings()).superpixels(100, 10.0)
    points = dsr.features(found)
    errors = sparse_errors(points, points[found.border], 0.01)
    chosen = np.arange(0, len(points), 15)
    expected = by_scikit_learn(points[chosen], points[found.border], 0.01)
    assert np.allclose(errors[chosen], expected, rtol=1e-2, atol=5e-6)
    assert errors[found.border].max() < 0.1 * errors.max()


def test_templates_that_are_alike_or_zero_and_points_of_zero_are_no_trouble():
    rng = np.random.default_rng(0)
    base = np.repeat(rng.random((4, 8)), 5, axis=0)
    base[-1] = 0
    points = np.concatenate([rng.random((5, 8)), np.zeros((1, 8)), base[:1]])
    errors = sparse_errors(points, base, 0.01)
    assert np.allclose(errors, sparse_errors(points, base[[0, 5, 10, 15]], 0.01), atol=1e-6) and errors[5] == 0


@pytest.mark.parametrize("energy", [0.5, 0.95, 1.0])
def test_dense_errors_are_the_residuals_of_scikit_learns_pca(energy):
    rng = np.random.default_rng(0)
    templates = rng.normal(size=(30, 8)) * np.array([5, 3, 2, 1, 0.5, 0.2, 0.1, 0.05])
    points = rng.normal(size=(20, 8))
    model = PCA(energy if energy < 1 else None).fit(templates)
    expected = ((points - model.inverse_transform(model.transform(points))) ** 2).sum(axis=1)
    assert np.allclose(dsr.dense_errors(points, templates, energy), expected, atol=1e-9)


def test_dense_errors_from_templates_that_are_all_the_same_are_distances():
    points = np.random.default_rng(0).random((5, 8))
    found = dsr.dense_errors(points, np.repeat(points[:1], 4, axis=0), 0.95)
    assert np.isfinite(found).all() and found[0] == pytest.approx(0)


def test_errors_spread_down_each_cluster_as_in_a_loop_over_it():
    rng = np.random.default_rng(0)
    points, errors, clusters = rng.random((30, 8)), rng.random(30), rng.integers(0, 3, 30)
    variance = points.var(axis=0).mean()
    expected = errors.copy()
    for cluster in range(3):
        members = sorted(np.flatnonzero(clusters == cluster), key=lambda i: -errors[i])
        for place, i in enumerate(members[1:], 1):
            weights = np.array([np.exp(-((points[i] - points[j]) ** 2).sum() / 2 / variance) for j in members[:place]])
            others = (weights * expected[members[:place]]).sum() / weights.sum()
            expected[i] = 0.5 * others + 0.5 * errors[i]
    assert np.allclose(dsr.spread_errors(errors, dsr.similarities(points, clusters), 0.5), expected)


def test_k_means_separates_what_lies_apart_and_repeats_itself():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 5, 100)
    points = 10 * rng.normal(size=(5, 8))[true] + 0.1 * rng.normal(size=(100, 8))
    found = dsr.k_means(points, 5)
    assert len(set(zip(true, found, strict=True))) == 5 == len(set(found))
    assert np.array_equal(found, dsr.k_means(points.copy(), 5))
    assert len(set(dsr.k_means(points[:3], 8))) == 3 and not dsr.k_means(np.ones((9, 8)), 4).any()


def test_the_map_is_centred_on_its_own_centre_of_mass():
    errors = np.full((40, 60), 0.1, np.float32)
    errors[10:14, 40:46] = 1.0
    y, x = np.mgrid[:40, :60]
    cy, cx = ((errors * p).sum() / errors.sum() for p in ((y + 0.5) / 40, (x + 0.5) / 60))
    weight = np.exp(-(((y + 0.5) / 40 - cy) ** 2 + ((x + 0.5) / 60 - cx) ** 2) / (2 * 0.25**2))
    expected = errors * weight
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert np.allclose(dsr.centred(errors, DsrSettings()), expected, atol=1e-5)


def test_the_posterior_is_bayes_rule_pixel_by_pixel():
    rng = np.random.default_rng(0)
    prior, seen = rng.random((12, 15)).astype(np.float32), rng.random((12, 15)).astype(np.float32)
    inside, value = prior > prior.mean(), np.minimum(np.floor(seen * 60), 59)
    expected = np.zeros(prior.shape)
    for place in np.ndindex(prior.shape):
        likely = (value[inside] == value[place]).mean()
        unlikely = (value[~inside] == value[place]).mean()
        p = prior[place]
        expected[place] = p * likely / (p * likely + (1 - p) * unlikely) if p * likely else 0
    assert np.allclose(dsr.posterior(prior, seen), expected, atol=1e-5)


def test_scales_are_fused_by_how_near_a_pixel_is_to_its_superpixel():
    picture = picture_of(disc((20, 30), 10, (40, 50))[0], PriorSettings())
    found = picture.superpixels(20, 10.0)
    points, pixels = dsr.features(found), dsr._pixel_features(picture)
    assert pixels.min() >= 0 and pixels.max() <= 1
    near = dsr.affinity_to(found, points, pixels)
    for place in ((0, 0), (20, 30), (39, 49), (7, 41)):
        away = np.linalg.norm(pixels[place] - points[found.labels[place]])
        assert near[place] == pytest.approx(1 / (away + 1e-3), rel=1e-3)
    for i in range(len(points)):
        assert np.allclose(pixels[found.labels == i].mean(axis=0), points[i], atol=1e-5)
