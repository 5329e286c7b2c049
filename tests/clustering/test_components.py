"""Small components are attached to what they are nearest to; larger ones keep what is theirs."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score as nmi

from comus_core.clustering.clusters import cluster
from comus_core.clustering.components import embedding_with_attached, small_components
from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.graph import knn_graph
from comus_core.config import ClusteringSettings

RAW = ClusteringSettings(features="raw", neighbours=8)


def with_bursts(groups: int, size: int, bursts: int, burst: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping groups on a line, so that their graph is connected, and bursts far above some of their points."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), size)
    points = np.zeros((len(group), 4))
    points[:, 0] = group + 0.28 * rng.normal(size=len(group))
    points[:, 1:3] = 0.1 * rng.normal(size=(len(group), 2))
    repeated = rng.choice(len(group), bursts, replace=False)
    above = points[repeated] + np.column_stack([np.zeros((bursts, 3)), 1 + rng.uniform(0, 1, bursts)])
    copies = np.repeat(above, burst, axis=0) + 1e-3 * rng.normal(size=(bursts * burst, 4))
    return np.concatenate([points, copies]).astype(np.float32), np.r_[group, np.repeat(group[repeated], burst)]


def test_a_component_below_a_quarter_of_the_average_cluster_is_small():
    points = np.concatenate([np.linspace(start, start + 1, n) for start, n in ((0, 100), (10, 24), (20, 26), (30, 50))])
    graph = knn_graph(points[:, None].astype(np.float32), 4)
    assert graph.component_count == 4
    assert np.flatnonzero(small_components(graph, 2)).tolist() == list(range(100, 124))  # 200 points: below 25
    assert not small_components(graph, 50).any()


def test_where_all_components_are_small_none_is_attached():
    points = np.repeat(np.arange(40) * 100.0, 5) + np.tile(np.arange(5), 40)
    graph = knn_graph(points[:, None].astype(np.float32), 4)
    assert graph.component_count == 40
    assert not small_components(graph, 3).any()


def test_attached_points_take_the_mean_row_of_their_nearest_and_leave_the_others_untouched():
    points, _ = with_bursts(4, 60, 2, 9)
    graph = knn_graph(points, 8)
    small = small_components(graph, 4)
    assert np.flatnonzero(small).tolist() == list(range(240, 258))
    found = embedding_with_attached(points, graph, small, 4, 8, seed=0)
    alone = spectral_embedding(knn_graph(points[:240], 8), 4, 0)
    np.testing.assert_array_equal(found.vectors[:240], alone.vectors)
    np.testing.assert_array_equal(found.eigenvalues, alone.eigenvalues)
    for burst in (points[240], points[257]):
        row = found.vectors[np.flatnonzero((points == burst).all(axis=1))[0]]
        near = np.argsort(((points[:240].astype(float) - burst) ** 2).sum(axis=1), kind="stable")[:8]
        np.testing.assert_allclose(row, alone.vectors[near].mean(axis=0), atol=1e-6)


def test_bursts_do_not_eat_the_clusters_unless_asked_to():
    points, group = with_bursts(8, 60, 6, 9)
    attached = cluster(points, RAW, 8, seed=0)
    kept = cluster(points, dataclasses.replace(RAW, small_components="keep"), 8, seed=0)
    assert (attached.components, attached.attached, kept.attached) == (7, 54, 0)
    assert nmi(group, attached.cluster) > nmi(group, kept.cluster) + 0.15
    assert min(np.bincount(kept.cluster)) == 9
    assert min(np.bincount(attached.cluster)) > 30


@pytest.mark.parametrize("sizes", [[40, 40, 40], [100, 40]])
def test_components_as_large_as_clusters_stay_clusters(sizes):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(sum(sizes), 3)) + 100 * np.repeat(np.arange(len(sizes)), sizes)[:, None]
    found = cluster(points.astype(np.float32), RAW, len(sizes), seed=0)
    assert found.attached == 0
    assert np.bincount(found.cluster).tolist() == sizes
