"""New vectors in the spectral embedding, by Nyström."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.clustering.clusters import cluster
from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.extension import nearest_centre, nystrom
from comus_core.clustering.graph import knn_graph
from comus_core.config import ClusteringSettings
from comus_core.errors import SettingsError
from tests.clustering.test_clusters import groups


def embedded(n: int, k: int, neighbours: int, seed: int = 0):
    points = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    return points, spectral_embedding(knn_graph(points, neighbours), k, seed=0)


@pytest.mark.parametrize("neighbours", [5, 12])
def test_vectors_of_the_run_get_their_own_rows_back(neighbours):
    points, found = embedded(150, 8, neighbours)
    again = nystrom(points, points, found.vectors, found.eigenvalues, neighbours)
    np.testing.assert_allclose(again, found.vectors, atol=2e-5 * np.abs(found.vectors).max())
    assert again.dtype == np.float32


def test_vectors_of_a_graph_of_several_components_get_their_own_rows_back():
    points, _ = groups([30, 20, 25, 15])
    graph = knn_graph(points, 6)
    assert graph.component_count >= 4
    for k in (3, 7):  # fewer and more columns than components
        found = spectral_embedding(graph, k, seed=0)
        again = nystrom(points, points, found.vectors, found.eigenvalues, 6)
        np.testing.assert_allclose(again, found.vectors, atol=2e-5 * np.abs(found.vectors).max())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 10))
def test_a_new_row_is_the_mean_of_its_neighbours_over_the_eigenvalue(seed, neighbours):
    points, found = embedded(60, 4, neighbours, seed)
    new = np.random.default_rng(seed + 1).normal(size=(7, 6)).astype(np.float32)
    between = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
    reach = np.sort(between, axis=1)[:, neighbours - 1]
    rows = nystrom(new, points, found.vectors, found.eigenvalues, neighbours)
    for x, row in zip(new.astype(float), rows, strict=True):
        distance = np.linalg.norm(points - x, axis=1)
        affinity = 0.5 * (distance <= np.sort(distance)[neighbours - 1]) + 0.5 * (distance <= reach)
        expected = affinity @ found.vectors.astype(float) / affinity.sum() / found.eigenvalues
        usable = found.eigenvalues > 1e-3
        np.testing.assert_allclose(row[usable], expected[usable], rtol=1e-4, atol=1e-5)
        assert row[~usable].tolist() == [0] * int((~usable).sum())


def test_new_members_of_a_group_join_its_cluster_and_the_clearer_ones_are_surer():
    points, group = groups([60, 60, 60], noise=0.3)
    known, new = np.arange(180) % 3 > 0, np.arange(180) % 3 == 0
    made = cluster(points[known], ClusteringSettings(neighbours=10, features="raw"), 3, seed=0)
    names = {int(made.cluster[group[known] == g][0]): g for g in range(3)}
    options = (points[known], made.embedding, made.eigenvalues, 10)
    found, confidence = nearest_centre(nystrom(points[new], *options), made.centres)
    assert [names[c] for c in found.tolist()] == group[new].tolist()
    assert found.dtype == np.int32 and confidence.dtype == np.float32
    assert confidence.min() >= 0 and confidence.max() <= 1 and confidence.mean() > 0.8
    a, b = points[group == 0].mean(axis=0), points[group == 1].mean(axis=0)
    surer = nearest_centre(nystrom(np.stack([a, (a + b) / 2]), *options), made.centres)[1]
    assert surer[0] > surer[1]


def test_the_clusters_of_the_run_s_own_vectors_are_theirs():
    points, _ = groups([40, 40, 40], noise=0.7)
    made = cluster(points, ClusteringSettings(neighbours=10, features="raw"), 5, seed=0)
    found, _ = nearest_centre(nystrom(points, points, made.embedding, made.eigenvalues, 10), made.centres)
    assert (found == made.cluster).mean() > 0.98  # those on a border may fall either way, by rounding


def test_next_to_attached_points_new_ones_get_the_rows_of_those_and_elsewhere_what_they_got_without_them():
    points, _ = groups([60, 60, 60, 5], noise=0.3)
    how = ClusteringSettings(neighbours=5, features="raw")
    made = cluster(points, how, 3, seed=0)
    burst = made.attached_rows
    assert len(burst) == 5
    rest = np.setdiff1d(np.arange(185), burst)
    options = (points, made.embedding, made.eigenvalues, 5, burst)
    again = nystrom(points, *options)
    np.testing.assert_allclose(again[rest], made.embedding[rest], atol=2e-5 * np.abs(made.embedding).max())
    np.testing.assert_allclose(again[burst], np.tile(made.embedding[burst].mean(axis=0), (5, 1)), atol=1e-5)
    found, _ = nearest_centre(again, made.centres)
    assert (found == made.cluster)[rest].mean() > 0.98
    assert set(found[burst].tolist()) <= set(made.cluster[burst].tolist())


def test_a_run_without_a_spectral_embedding_and_other_dimensions_are_told():
    points = np.zeros((4, 2), np.float32)
    with pytest.raises(SettingsError, match="no spectral embedding"):
        nystrom(points, points, points, np.zeros(0))
    with pytest.raises(SettingsError, match="3 dimensions"):
        nystrom(np.zeros((1, 3)), points, points, np.ones(2))
    with pytest.raises(SettingsError, match="4 vectors but 3 rows"):
        nystrom(points, points, points[:3], np.ones(2))
