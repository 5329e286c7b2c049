"""Superpixels and what is computed on their graph: paths, the optimum of RBD, absorbed times; against plain loops."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse.csgraph import dijkstra

from comus_core.config.formulas import PriorSettings
from comus_core.saliency.priors import mc, rbd
from comus_core.saliency.priors.picture import picture_of
from tests.saliency.priors.drawn import disc


@pytest.fixture(scope="module")
def found():
    return picture_of(disc((50, 60), 25, (100, 120))[0], PriorSettings()).superpixels(60, 10.0)


def test_superpixels_know_their_pixels_means_and_neighbours(found):
    picture = picture_of(disc((50, 60), 25, (100, 120))[0], PriorSettings())
    labels, n = found.labels, len(found.pixels)
    assert labels.shape == (100, 120) and set(labels.ravel()) == set(range(n)) and 30 < n <= 60
    touching = np.zeros((n, n), bool)
    for y in range(100):
        for x in range(120):
            window = labels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            touching[labels[y, x], window.ravel()] = True
    np.fill_diagonal(touching, False)
    assert np.array_equal(touching, found.touching)
    edge = set(labels[[0, -1]].ravel()) | set(labels[:, [0, -1]].ravel())
    assert set(np.flatnonzero(found.border)) == edge
    for i in range(0, n, 7):
        inside = labels == i
        y, x = np.nonzero(inside)
        assert found.pixels[i] == inside.sum()
        assert np.allclose(found.lab[i], picture.lab[inside].mean(0), atol=1e-4)
        assert np.allclose(found.rgb[i], picture.image[inside].mean(0) / 255)
        assert np.allclose(found.centre[i], [(y.mean() + 0.5) / 100, (x.mean() + 0.5) / 120])
        two_steps = set(np.flatnonzero(touching[i] | touching[touching[i]].any(0))) | (edge if i in edge else set())
        assert set(np.flatnonzero(found.linked[i])) == two_steps - {i}
    assert np.allclose(found.colour_distance, np.linalg.norm(found.lab[:, None] - found.lab[None], axis=2), atol=1e-5)


def test_where_superpixels_are_more_than_pixels_each_pixel_is_one():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    found = picture_of(image, PriorSettings()).superpixels(250, 10.0)
    assert np.array_equal(found.labels.ravel(), np.arange(35)) and np.allclose(found.rgb * 255, image.reshape(-1, 3))


@pytest.mark.parametrize("seed", range(3))
def test_shortest_paths_are_those_of_dijkstra(seed):
    rng = np.random.default_rng(seed)
    lengths = np.where(rng.random((25, 25)) < (0.03, 0.1, 0.3)[seed], rng.random((25, 25)) + 0.01, np.inf)
    lengths = np.minimum(lengths, lengths.T)
    expected = dijkstra(np.where(np.isinf(lengths), 0, lengths), directed=False)
    np.fill_diagonal(lengths, 0)
    assert np.isinf(expected).any() == (seed == 0)
    assert np.allclose(rbd.shortest_paths(lengths), expected)


def test_geodesics_join_the_border_and_forgive_small_steps(found):
    colour = found.colour_distance
    nearest = [min(colour[i, j] for j in np.flatnonzero(found.touching[i])) for i in range(len(colour))]
    edges = found.touching | np.outer(found.border, found.border)
    lengths = np.maximum(colour - np.mean(nearest), 0) + 1e-6  # SciPy takes a zero for no edge
    expected = dijkstra(np.where(edges, lengths, 0), directed=False)
    assert np.allclose(rbd.geodesics(colour, found.touching, found.border), expected, atol=1e-4)


def test_boundary_connectivity_is_border_over_root_of_area():
    """Three regions without any likeness: 4 superpixels with 2 on the border, 9 with none, 1 that is on it."""
    region = np.repeat([0, 1, 2], [4, 9, 1])
    geodesic = np.where(region[:, None] == region[None], 0.0, 1e3)
    border = np.zeros(14, bool)
    border[[0, 1, 13]] = True
    found = rbd.boundary_connectivity(geodesic, border, 10.0)
    assert np.allclose(found, np.repeat([2 / 2, 0, 1], [4, 9, 1]))


def test_the_optimum_of_rbd_is_that_of_its_cost_and_of_a_dense_solver():
    rng = np.random.default_rng(0)
    n = 12
    background, foreground = rng.random(n), rng.random(n)
    weights = np.triu(rng.random((n, n)) < 0.4, 1) * rng.random((n, n))
    weights = weights + weights.T

    def cost(s):
        pairs = sum(weights[i, j] * (s[i] - s[j]) ** 2 for i in range(n) for j in range(i))
        return (background * s**2).sum() + (foreground * (s - 1) ** 2).sum() + pairs

    found = rbd.optimum(background, foreground, weights)
    by_descent = minimize(cost, np.full(n, 0.5), method="BFGS", options={"gtol": 1e-9}).x
    dense = np.diag(weights.sum(1) + background + foreground) - weights
    assert np.allclose(found, np.linalg.inv(dense) @ foreground) and np.allclose(found, by_descent, atol=1e-5)
    assert found.min() > 0 and found.max() < 1
    assert not rbd.optimum(background, np.zeros(n), weights).any()


def test_affinities_of_the_chain_fall_with_the_distance_stretched_over_the_edges():
    colour = np.array([[0, 2.0, 9], [2, 0, 6], [9, 6, 0]])
    linked = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    near, far = 1.0, np.exp(-1 / 0.1)  # the edges 2 and 6 become 0 and 1
    assert np.allclose(mc.affinities(colour, linked, 0.1), [[1, near, 0], [near, 1, far], [0, far, 1]])


def test_absorbed_times_are_the_mean_lengths_of_simulated_walks():
    """A line of five; its ends are on the border. Walks are simulated by the chain with its absorbing doubles."""
    rng = np.random.default_rng(0)
    affinity = np.eye(5) + np.diag([0.7, 0.2, 0.5, 0.9], 1) + np.diag([0.7, 0.2, 0.5, 0.9], -1)
    border = np.array([True, False, False, False, True])
    chain = np.concatenate([affinity, affinity[:, border]], axis=1)  # states 5 and 6 absorb
    chain /= chain.sum(axis=1, keepdims=True)
    found = mc.absorbed_times(affinity, border)
    assert np.allclose(found, np.linalg.inv(np.eye(5) - chain[:, :5]).sum(axis=1))
    walks = 4000
    for start in range(5):
        state, steps = np.full(walks, start), np.zeros(walks)
        while (state < 5).any():
            on = state < 5
            steps[on] += 1
            drawn = (rng.random((on.sum(), 1)) > np.cumsum(chain[state[on]], axis=1)).sum(axis=1)
            state[on] = np.minimum(drawn, 6)
        assert abs(steps.mean() - found[start]) < 4 * steps.std() / walks**0.5


def test_weighted_absorbed_times_count_each_state_by_its_weight():
    affinity = np.eye(3) + np.diag([0.5, 0.5], 1) + np.diag([0.5, 0.5], -1)
    border = np.array([True, False, False])
    chain = affinity / (affinity.sum(1) + affinity[:, 0])[:, None]
    visits = np.linalg.matrix_power(np.eye(3) + chain, 1)
    power = chain.copy()
    for _ in range(3000):
        power = power @ chain
        visits = visits + power
    weights = np.array([1.0, 5.0, 2.0])
    assert np.allclose(mc.absorbed_times(affinity, border, weights), visits @ weights)


@pytest.mark.parametrize(
    ("times", "mixed"),
    [([0.0, 1.0], 1.0), ([0.55, 0.45], 5.0), ([0.0, 0.15, 0.95, 1.0], 1.25), ([0.25, 0.75], 3.0)],
)
def test_a_map_is_mixed_by_the_mean_distance_from_black_and_white_in_tenths(times, mixed):
    assert mc.mixedness(np.array(times)) == pytest.approx(mixed)
