"""How many clusters: stability, eigengap and Leiden, each with its own oracle."""

import dataclasses
from itertools import combinations
from typing import get_args

import igraph
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from comus_core.clustering import choosing, evoc_layers, leiden, stability
from comus_core.clustering.choosing import how_many
from comus_core.clustering.curves import HowMany
from comus_core.clustering.graph import knn_graph, normalise
from comus_core.clustering.k_means import k_means
from comus_core.clustering.umap_space import umap_space
from comus_core.config import ClusteringSettings, NumberBy
from comus_core.errors import SettingsError
from tests.clustering.test_clusters import groups

pytestmark = pytest.mark.thorough

SETTINGS = ClusteringSettings(neighbours=12)


@pytest.fixture(scope="module")
def seven() -> HowMany:
    points, _ = groups([25, 30, 20, 35, 25, 30, 20], noise=0.45)
    return how_many(points, SETTINGS, seed=0, max_clusters=16)


def test_seven_groups_are_seven_by_stability_and_by_eigengap(seven):
    suggestions = {curve.name: curve.suggestion for curve in seven.curves}
    assert (seven.clusters, suggestions["stability"], suggestions["eigengap"]) == (7, 7, 7)
    assert seven.reason.startswith("7 is the largest number of clusters within 9 %")
    assert seven.points == 185
    stable = seven.curves[0]
    assert stable.x.tolist() == list(range(2, 17)) and stable.value.max() <= 1


def test_every_estimate_has_its_curve(seven):
    assert [curve.name for curve in seven.curves] == list(get_args(NumberBy))


def test_the_same_seed_gives_the_same_curves_and_they_survive_being_stored(seven):
    points, _ = groups([30, 30, 30])
    one, other = (how_many(points, SETTINGS, seed=3, max_clusters=4).to_json() for _ in range(2))
    assert one == other and HowMany.from_json(seven.to_json()).to_json() == seven.to_json()


def test_the_agreement_is_the_mean_adjusted_rand_index_on_the_points_that_two_resamples_share():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (4, 3, 50))
    labels[:, :, :] = np.where(rng.random((4, 1, 50)) < 0.3, -1, labels)
    expected = np.zeros(3)
    for g in range(3):
        pairs = []
        for one, other in combinations(labels[:, g], 2):
            shared = [(a, b) for a, b in zip(one, other, strict=True) if a >= 0 and b >= 0]
            pairs.append(adjusted_rand_score(*zip(*shared, strict=True)))
        expected[g] = np.mean(pairs)
    np.testing.assert_allclose(stability.mean_agreement(labels), expected)


def test_points_without_clusters_have_the_mean_and_covariance_of_the_vectors():
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 3)) + 5).astype(np.float32)
    drawn = stability.without_clusters(vectors, rng)
    assert drawn.shape == vectors.shape and drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(axis=0), vectors.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(vectors.T), atol=0.1 * np.abs(np.cov(vectors.T)).max())


def test_the_grid_tries_every_small_number_and_then_goes_in_steps():
    assert stability.grid(6).tolist() == [2, 3, 4, 5, 6]
    grid = stability.grid(100)
    assert grid[:19].tolist() == list(range(2, 21)) and grid[-1] <= 100 and len(grid) < 60
    steps = np.diff(grid)
    assert steps.min() >= 1 and (np.abs(steps - 0.06 * grid[:-1]) <= 1).all()


def test_the_suggestion_is_the_largest_number_near_the_best():
    grid, none = np.array([2, 3, 4, 5]), np.zeros(4)
    assert stability.Stability(grid, none, none, np.array([1.0, 0.2, 0.92, 0.9])).suggestion == 4
    assert stability.Stability(grid, none, none, np.array([-0.5, -0.2, -0.9, -0.3])).suggestion == 3


def test_the_eigengap_is_the_largest_difference_of_neighbouring_eigenvalues():
    found = choosing.eigengap(np.array([1, 0.9, 0.85, 0.4, 0.35]))
    np.testing.assert_allclose(found.value, [0.05, 0.45, 0.05])
    assert found.x.tolist() == [2, 3, 4] and found.suggestion == 3


def communities(graph, resolution):
    return leiden._communities(leiden._igraph(graph), resolution, 1)


def test_leiden_is_igraph_s_on_the_same_weighted_edges_and_gives_the_same_twice():
    points, group = groups([40, 40, 40], noise=0.3)
    graph = knn_graph(points, 10)
    found = communities(graph, 0.5)
    np.testing.assert_array_equal(found, communities(graph, 0.5))
    assert adjusted_rand_score(group, found) == 1
    affinity = graph.affinity.toarray()
    edges = [(i, j) for i in range(120) for j in range(i) if affinity[i, j]]
    peer = igraph.Graph(120, edges).community_leiden(
        "modularity", weights=[affinity[e] for e in edges], resolution=0.5, n_iterations=-1
    )
    assert adjusted_rand_score(peer.membership, found) == 1
    counts = leiden.community_counts(graph, 1, np.array([0.5, 30.0]))
    assert counts[0] == 3 and counts[1] == len(np.unique(communities(graph, 30.0)))


def test_the_plateau_is_the_number_that_most_resolutions_give():
    assert leiden.plateau(np.array([1, 1, 1, 1, 2, 3, 3, 4, 9, 9, 9]), 5) == 3
    assert leiden.plateau(np.array([2, 2, 4, 4]), 5) == 2
    assert leiden.plateau(np.array([1, 1, 80]), 5) is None


def test_without_igraph_the_curve_says_what_to_install_and_auto_is_the_same(monkeypatch):
    points, _ = groups([30, 30, 30])
    with_it = how_many(points, SETTINGS, seed=3, max_clusters=4)
    monkeypatch.setattr(leiden, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'comus-explorer\[leiden\]'"):
        leiden.leiden_of(knn_graph(points, 12), 3, 0)
    found = how_many(points, SETTINGS, seed=3, max_clusters=4)
    assert (
        found.clusters == with_it.clusters == 3
        and found.curves[2].suggestion is None
        and "leiden" in found.curves[2].reason
    )


def test_too_few_proposals_are_told_and_get_two_clusters_or_one():
    points, _ = groups([4, 3])
    assert (found := how_many(points, SETTINGS, 0)).clusters == 2 and found.curves == ()
    assert how_many(np.ones((30, 3)), SETTINGS, 0).clusters == 1
    assert "30 proposals (1 distinct)" in how_many(np.ones((30, 3)), SETTINGS, 0).reason
    with pytest.raises(SettingsError, match="most 1"):
        how_many(points, SETTINGS, 0, max_clusters=1)
    with pytest.raises(SettingsError, match="no proposals"):
        how_many(np.zeros((0, 3)), SETTINGS, 0)


def test_many_vectors_are_drawn_from_and_every_step_is_told(monkeypatch):
    monkeypatch.setattr(choosing, "MOST_POINTS", 60)
    points, _ = groups([40, 40, 40])
    steps = []
    found = how_many(points, SETTINGS, 0, max_clusters=4, tick=lambda done, total: steps.append((done, total)))
    assert (found.points, found.clusters) == (60, 3)
    total = steps[0][1]
    assert steps == [(n, total) for n in range(1, total + 1)]


def test_k_means_runs_are_asked_with_k_means():
    points, _ = groups([30, 30, 30, 30], noise=0.3)
    found = how_many(points, ClusteringSettings(method="kmeans", neighbours=12), 0, max_clusters=8)
    assert found.clusters == 4


def test_the_silhouette_after_umap_is_scikit_learn_s_in_umap_s_space_and_can_choose_the_number():
    points, _ = groups([25, 30, 20, 35], noise=0.3)
    how = dataclasses.replace(SETTINGS, number_by="silhouette")
    found = how_many(points, how, seed=0, max_clusters=7, names=())
    assert [curve.name for curve in found.curves] == ["stability", "silhouette"]
    assert found.clusters == 4 and found.reason == found.curves[1].reason and "largest at 4" in found.reason
    rows = umap_space(normalise(points, "l2"), how.umap, 0)
    label = k_means(rows, 4, stability.N_INIT, 0)[0]
    assert found.silhouette == pytest.approx(silhouette_score(rows, label, metric="sqeuclidean"), abs=1e-6)


def test_evoc_s_own_number_can_choose_and_where_it_is_missing_the_curve_or_the_error_says_so(monkeypatch):
    points, _ = groups([40, 45, 50, 40], noise=0.3)
    how = dataclasses.replace(SETTINGS, number_by="evoc")
    found = how_many(points, how, 0, max_clusters=20, names=())
    layers = evoc_layers.evoc_layers(normalise(points, "l2"), 0)
    assert found.clusters == layers.counts[layers.best] and found.curves[1].value.tolist() == layers.counts.tolist()
    few = how_many(points, how, 0, max_clusters=2, names=())
    assert few.reason.startswith("evoc suggests no number") and few.clusters == few.curves[0].suggestion
    monkeypatch.setattr(evoc_layers, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'comus-explorer\[evoc\]'"):
        how_many(points, how, 0)
    assert "evoc" in how_many(points, SETTINGS, 0, max_clusters=2, names=("evoc",)).curves[1].reason
