"""The stage as a whole: partitions with an obvious answer, the paper's distances, too little to cluster."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cosine
from sklearn.metrics import adjusted_rand_score

from comus_core.clustering.clusters import Clusters, cluster
from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.filtering import kept
from comus_core.clustering.graph import joint_graph, knn_graph, normalise
from comus_core.clustering.k_means import k_means
from comus_core.config import ClusteringSettings
from comus_core.errors import SettingsError

SPECTRAL, K_MEANS = ClusteringSettings(neighbours=10), ClusteringSettings(method="kmeans")
RAW = dataclasses.replace(SPECTRAL, features="raw")
BOTH = pytest.mark.parametrize("how", [SPECTRAL, K_MEANS], ids=lambda s: s.method)


def groups(sizes: list[int], dimensions: int = 12, seed: int = 0, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled points around random directions, and which group each is of."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    points = rng.normal(size=(len(sizes), dimensions))[group] + noise * rng.normal(size=(len(group), dimensions))
    return points.astype(np.float32), group


@BOTH
def test_separated_groups_are_found_whatever_the_order_of_the_points(how):
    points, group = groups([40, 25, 25, 60])
    order = np.random.default_rng(5).permutation(len(points))
    one, other = cluster(points, how, 4, seed=0), cluster(points[order], how, 4, seed=0)
    assert adjusted_rand_score(group, one.cluster) == 1
    assert adjusted_rand_score(one.cluster[order], other.cluster) == 1


@BOTH
def test_clusters_are_numbered_by_size_and_then_by_their_first_point(how):
    points, group = groups([20, 70, 20, 40])
    found = cluster(points, how, 4, seed=0).cluster
    sizes, firsts = np.bincount(found), [int(np.argmax(found == c)) for c in range(4)]
    assert sizes.tolist() == [70, 40, 20, 20]
    assert firsts[2] < firsts[3]
    assert found.dtype == np.int32
    assert set(group[found == 0]) == {1}


@BOTH
def test_the_distance_is_the_cosine_to_the_centre_that_the_label_names(how):
    points, _ = groups([30, 30, 30, 30], noise=0.8)
    found = cluster(points, how, 6, seed=1)
    expected = [
        cosine(row.astype(float), found.centres[c]) for row, c in zip(found.embedding, found.cluster, strict=True)
    ]
    np.testing.assert_allclose(found.distance, expected, atol=1e-6)
    assert found.distance.dtype == np.float32
    assert found.distance.min() >= 0


@BOTH
def test_every_point_is_with_its_nearest_centre_and_every_centre_is_the_mean_of_its_points(how):
    points, _ = groups([30, 30, 30, 30], noise=0.8)
    found = cluster(points, how, 6, seed=1)
    square = ((found.embedding[:, None] - found.centres[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(square.argmin(axis=1), found.cluster)
    means = [found.embedding[found.cluster == c].mean(axis=0) for c in range(6)]
    np.testing.assert_allclose(found.centres, means, atol=1e-3 * np.abs(found.embedding).max())


def test_the_embedding_is_that_of_the_graph_of_the_normalised_vectors():
    points, _ = groups([50, 50, 50], noise=0.6)
    for how in (SPECTRAL, RAW):
        found = cluster(points, how, 5, seed=2)
        expected = spectral_embedding(knn_graph(normalise(points, how.features), how.neighbours), 5, seed=2)
        np.testing.assert_array_equal(found.embedding, expected.vectors)
        np.testing.assert_array_equal(found.eigenvalues, expected.eigenvalues)


def two_views():
    """Two views of 240 points in four groups; in each another three tenths of the points lie anywhere."""
    rng = np.random.default_rng(3)
    group, order = rng.permutation(np.repeat(np.arange(4), 60)), rng.permutation(240)
    views = []
    for lost in (order[:72], order[72:144]):
        view = rng.normal(size=(4, 40))[group] + 0.3 * rng.normal(size=(240, 40))
        view[lost] = rng.normal(size=(72, 40))
        views.append(view.astype(np.float32))
    return views, group


def test_a_point_that_one_view_says_nothing_of_is_grouped_by_the_other():
    views, group = two_views()
    alone = [adjusted_rand_score(group, cluster(view, SPECTRAL, 4, seed=0).cluster) for view in views]
    both = cluster(views[0], SPECTRAL, 4, seed=0, beside=views[1])
    assert max(alone) < 0.8 and adjusted_rand_score(group, both.cluster) > 0.95
    graph = joint_graph(*(knn_graph(normalise(view, "l2"), 10) for view in views))
    np.testing.assert_array_equal(both.embedding, spectral_embedding(graph, 4, seed=0).vectors)


def test_vectors_beside_others_are_as_many_and_only_spectral_clustering_reads_them():
    points, _ = groups([20, 20])
    with pytest.raises(SettingsError, match="40 vectors, but 39 in the second view"):
        cluster(points, SPECTRAL, 2, seed=0, beside=points[1:])
    with pytest.raises(SettingsError, match="kmeans does not support two views: choose spectral or consensus"):
        cluster(points, K_MEANS, 2, seed=0, beside=points)


def test_the_number_of_neighbours_and_the_normalisation_are_not_lost_on_the_way():
    points, _ = groups([50, 50, 50], noise=0.6)
    points *= np.random.default_rng(0).uniform(0.2, 5, (150, 1)).astype(np.float32)
    embeddings = [cluster(points, how, 5, 0).embedding for how in (SPECTRAL, RAW, ClusteringSettings(neighbours=40))]
    assert not np.allclose(embeddings[0], embeddings[1], atol=1e-4)
    assert not np.allclose(embeddings[0], embeddings[2], atol=1e-4)


def test_all_restarts_of_k_means_are_run():
    points, _ = groups([10] * 12, noise=0.7)
    how = dataclasses.replace(K_MEANS, features="raw")
    single, ten = (cluster(points, dataclasses.replace(how, n_init=n), 12, seed=0) for n in (1, 10))
    one, best = (((points - found.centres[found.cluster]) ** 2).sum() for found in (single, ten))
    assert best < 0.999 * one
    np.testing.assert_allclose(best, k_means(points, 12, 10, 0)[2], rtol=1e-5)


def test_components_and_residuals_are_reported():
    points, _ = groups([40, 40, 40])
    found = cluster(points, SPECTRAL, 3, seed=0)
    assert found.components == 3
    np.testing.assert_allclose(found.eigenvalues, 1, atol=1e-12)
    assert found.residuals.shape == (3,)
    assert found.residuals.max() < 1e-12
    baseline = cluster(points, K_MEANS, 3, seed=0)
    assert (baseline.components, len(baseline.eigenvalues), len(baseline.residuals)) == (0, 0, 0)


def test_the_kept_core_is_purer_than_what_the_filter_drops():
    points, group = groups([80] * 5, noise=1.1, seed=3)
    found = cluster(points, dataclasses.replace(SPECTRAL, neighbours=30), 5, seed=0)
    core = kept(found.cluster, found.distance, np.arange(len(points)).astype(str), 20)
    majority = np.array([np.bincount(group[found.cluster == c]).argmax() for c in range(5)])
    right = majority[found.cluster] == group
    assert 0.7 < right.mean() < 0.97
    assert right[core].mean() > right[~core].mean() + 0.1


def test_the_same_seed_gives_the_same_bytes_in_another_process_with_other_threads():
    code = (
        "import sys, numpy as np; from comus_core.clustering.clusters import cluster;"
        "from comus_core.config import ClusteringSettings as S;"
        "x = np.random.default_rng(0).normal(size=(1300, 20)).astype(np.float32);"
        "found = [cluster(x, S(method=how), 8, 5) for how in ('spectral', 'kmeans')];"
        "sys.stdout.write(''.join(a.tobytes().hex() for c in found for a in (c.cluster, c.distance, c.embedding)))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert len(runs[0]) == 1300 * 4 * 2 * (2 + 8 + 2 + 20)
    assert runs[0] == runs[1]


@BOTH
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 25), st.integers(1, 3)), elements=st.integers(-2, 2)), st.data())
@settings(max_examples=60, deadline=None)
def test_no_cluster_is_empty_and_nothing_is_nan_however_odd_the_points(how, points, choice):
    asked = choice.draw(st.integers(1, len(points)))
    found = cluster(points, dataclasses.replace(how, neighbours=4, n_init=2), asked, seed=0)
    count = len(found.centres)
    assert 1 <= count <= asked
    assert sorted(set(found.cluster.tolist())) == list(range(count))
    for values in (found.distance, found.embedding, found.centres):
        assert np.isfinite(values).all()


@BOTH
def test_identical_vectors_are_one_cluster_at_distance_zero(how):
    found = cluster(np.ones((90, 4), np.float32), how, 20, seed=0)
    assert isinstance(found, Clusters)
    assert found.cluster.tolist() == [0] * 90
    assert found.distance.tolist() == [0] * 90
    assert len(found.centres) == 1


@BOTH
def test_no_more_distinct_vectors_than_clusters_are_a_cluster_each(how):
    points = np.repeat(np.array([[0, 0], [0, 1], [1, 0]], np.float32), [50, 3, 40], axis=0)
    found = cluster(points, how, 5, seed=0)
    assert found.cluster.tolist() == [0] * 50 + [2] * 3 + [1] * 40
    assert found.distance.tolist() == [0] * 93


@BOTH
def test_one_vector_in_one_cluster_and_as_many_clusters_as_vectors_are_fine(how):
    assert cluster(np.ones((1, 3), np.float32), how, 1, seed=0).cluster.tolist() == [0]
    assert sorted(cluster(groups([4])[0], how, 4, seed=0).cluster.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("n", [0, 1, 19])
def test_fewer_proposals_than_clusters_names_both_numbers_and_the_option(n):
    with pytest.raises(SettingsError, match=f"{n} proposals are too few for 20 clusters.*--clusters"):
        cluster(np.ones((n, 3), np.float32), SPECTRAL, 20, seed=0)


def test_nan_vectors_and_a_count_of_zero_are_refused():
    points = groups([30])[0]
    with pytest.raises(SettingsError, match="clusters 0"):
        cluster(points, SPECTRAL, 0, seed=0)
    points[7, 2] = np.nan
    with pytest.raises(SettingsError, match=r"1 of 30 rows.*row 7"):
        cluster(points, SPECTRAL, 2, seed=0)


def test_what_pages_use_is_imported_without_scikit_learn_torch_or_scipy():
    code = (
        "import sys; from comus_core.clustering import centres, counterparts, curves, filtering;"
        "bad = {'torch', 'sklearn', 'scipy', 'umap'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
