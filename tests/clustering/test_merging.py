"""Over-clusters merged along the graph."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cosine
from sklearn.metrics import adjusted_rand_score

from comus_core.clustering.clusters import cluster
from comus_core.clustering.graph import knn_graph
from comus_core.clustering.merging import merge_clusters
from comus_core.config import ClusteringMethod, ClusteringSettings
from comus_core.errors import SettingsError
from tests.clustering.test_clusters import groups


def merged_by_hand(affinity: np.ndarray, labels: np.ndarray, clusters: int) -> np.ndarray:
    """The normalised association of all clusters, computed anew from all points for each possible merge."""
    labels = labels.copy()

    def association(labels: np.ndarray) -> float:
        inside = [(labels == c)[:, None] & (labels == c) for c in np.unique(labels)]
        return sum(affinity[both].sum() / affinity[both.any(axis=1)].sum() for both in inside)

    while len(names := np.unique(labels)) > clusters:
        merged = {(a, b): association(np.where(labels == b, a, labels)) for a in names for b in names if a < b}
        highest = max(merged.values())
        a, b = min(pair for pair, value in merged.items() if value >= highest - 1e-12)
        labels[labels == b] = a
    return labels


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_the_pair_that_loses_the_least_normalised_association_merges_first(seed, clusters):
    rng = np.random.default_rng(seed)
    points, labels = rng.normal(size=(40, 3)).astype(np.float32), np.r_[np.arange(8), rng.integers(0, 8, 32)]
    graph = knn_graph(points, 7)
    found = merge_clusters(graph, labels, clusters)
    expected = merged_by_hand(graph.affinity.toarray().astype(float), labels, clusters)
    np.testing.assert_array_equal(found, expected)


def test_fragments_of_a_group_rejoin_and_a_small_one_stays_by_itself():
    points, group = groups([120, 120, 12], noise=0.25)
    how = ClusteringSettings(neighbours=8, over_clusters=12, small_components="keep")
    found = cluster(points, how, 3, seed=0)
    assert adjusted_rand_score(group, found.cluster) == 1
    assert np.bincount(found.cluster).tolist() == [120, 120, 12]


@pytest.mark.parametrize("method", ["spectral", "kmeans"])
def test_centres_and_distances_are_of_the_merged_clusters_in_the_larger_embedding(method):
    points, _ = groups([40, 40, 40, 40], noise=0.8)
    how = ClusteringSettings(neighbours=10, method=method, over_clusters=9)
    found = cluster(points, how, 4, seed=1)
    assert found.centres.shape == (4, 9 if method == "spectral" else points.shape[1])
    means = [found.embedding[found.cluster == c].mean(axis=0) for c in range(4)]
    np.testing.assert_allclose(found.centres, means, atol=1e-5 * np.abs(found.embedding).max())
    expected = [cosine(r.astype(float), found.centres[c]) for r, c in zip(found.embedding, found.cluster, strict=True)]
    np.testing.assert_allclose(found.distance, expected, atol=1e-6)
    again = cluster(points, how, 4, seed=1)
    assert found.cluster.tobytes() == again.cluster.tobytes() and found.distance.tobytes() == again.distance.tobytes()


@pytest.mark.parametrize("method", get_args(ClusteringMethod))
def test_over_clusters_of_every_method_are_merged_to_the_number_asked_or_to_what_hdbscan_finds(method):
    points, group = groups([40, 40, 40], noise=0.25)
    found = cluster(points, ClusteringSettings(neighbours=10, method=method, over_clusters=9), 3, seed=0)
    mine = found.cluster >= 0
    assert mine.mean() > (0.5 if method == "evoc" else 0.8)  # of so few points EVōC leaves many as noise
    assert adjusted_rand_score(group[mine], found.cluster[mine]) == 1


def test_a_small_component_is_attached_before_over_clusters_are_merged():
    points, _ = groups([80, 80, 80, 8], noise=0.25)
    how = ClusteringSettings(neighbours=8, features="raw", over_clusters=9)
    found = cluster(points, how, 3, seed=0)
    assert found.attached == 8 and found.embedding.shape == (248, 9)
    assert sorted(np.bincount(found.cluster))[0] >= 80


def test_no_more_over_clusters_than_clusters_merge_nothing():
    points, _ = groups([40, 40, 40], noise=0.8)
    plain = cluster(points, ClusteringSettings(neighbours=10), 5, seed=1)
    same = cluster(points, ClusteringSettings(neighbours=10, over_clusters=5), 5, seed=1)
    np.testing.assert_array_equal(plain.cluster, same.cluster)
    np.testing.assert_array_equal(plain.distance, same.distance)


def test_what_cannot_be_merged_is_told():
    graph = knn_graph(np.zeros((4, 1), np.float32), 2)
    with pytest.raises(SettingsError, match="merging to 0"):
        merge_clusters(graph, np.zeros(4, int), 0)
    with pytest.raises(SettingsError, match="4 points but 3 clusters"):
        merge_clusters(graph, np.zeros(3, int), 1)
    with pytest.raises(SettingsError, match="over_clusters 1"):
        ClusteringSettings(over_clusters=1)
