"""Baselines and alternatives by name: what each finds where the answer is plain, and what it says where it cannot."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster._spectral import cluster_qr as scikit_cluster_qr
from sklearn.metrics import adjusted_rand_score

from comus_core.clustering import evoc_layers, leiden
from comus_core.clustering.clusters import cluster
from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.graph import knn_graph
from comus_core.clustering.methods import METHODS
from comus_core.clustering.spectral import cluster_qr
from comus_core.config import ClusteringMethod, ClusteringSettings
from comus_core.errors import ComusError, SettingsError
from comus_core.pipelines.model_selection import NUMBER_FREE

RAW = ClusteringSettings(features="raw", neighbours=8)
HOW = {
    "spectral": RAW,
    "cluster_qr": dataclasses.replace(RAW, assignment="cluster_qr"),
    **{m: dataclasses.replace(RAW, method=m) for m in ("kmeans", "minibatch-kmeans", "hdbscan")},
}
EVERY = pytest.mark.parametrize("how", HOW.values(), ids=HOW)


def blobs(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = 20 * np.eye(len(sizes), 6)
    return (centres[group] + rng.normal(size=(len(group), 6))).astype(np.float32), group


@EVERY
@given(st.lists(st.integers(20, 45), min_size=2, max_size=5), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_separated_groups_are_found_in_any_order(how, sizes, seed):
    points, group = blobs(sizes, seed)
    order = np.random.default_rng(seed).permutation(len(points))
    for x, y in ((points, group), (points[order], group[order])):
        found = cluster(x, how, len(sizes), seed=0)
        mine = found.cluster >= 0
        assert mine.mean() > 0.8
        assert adjusted_rand_score(y[mine], found.cluster[mine]) == 1


@EVERY
@given(st.integers(0, 99), st.integers(2, 25))
@settings(max_examples=10, deadline=None)
def test_identical_vectors_share_a_cluster(how, seed, copies):
    """Also where there are more of them than neighbours, and between groups."""
    rng = np.random.default_rng(seed)
    points, _ = blobs([25, 30, 28], seed)
    points = np.concatenate([points, np.repeat(points[:3] * np.float32(0.5) + 1, copies, axis=0)])
    copy_of = np.r_[np.arange(83), np.repeat([83, 84, 85], copies)]
    order = rng.permutation(len(points))
    found = cluster(points[order], how, 3, seed=0).cluster
    for original in (83, 84, 85):
        assert len(set(found[copy_of[order] == original].tolist())) == 1


@EVERY
def test_labels_centres_and_distances_belong_together(how):
    found = cluster(blobs([30, 40, 25])[0], how, 3, seed=0)
    count = len(found.centres)
    assert sorted(set(found.cluster[found.cluster >= 0].tolist())) == list(range(count))
    np.testing.assert_array_equal(np.isnan(found.distance), found.cluster < 0)
    means = [found.embedding[found.cluster == c].mean(axis=0) for c in range(count)]
    np.testing.assert_allclose(found.centres, means, atol=1e-3 * np.abs(found.embedding).max())


def test_cluster_qr_is_scikit_learn_s():
    points = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    rows = spectral_embedding(knn_graph(points, 10), 7, 0).vectors
    np.testing.assert_array_equal(cluster_qr(rows), scikit_cluster_qr(rows.astype(float)))


def test_hdbscan_leaves_far_points_unassigned_and_says_when_all_are_noise():
    points, _ = blobs([40, 40])
    points = np.concatenate([points, np.array([[500, 0, 0, 0, 0, 0], [0, -700, 0, 0, 0, 0]], np.float32)])
    assert cluster(points, HOW["hdbscan"], 2, seed=0).cluster[-2:].tolist() == [-1, -1]
    with pytest.raises(ComusError, match=r"all 60 proposals are noise with clusters of at least 59.*neighbours"):
        cluster(points[:60], dataclasses.replace(HOW["hdbscan"], neighbours=59), 2, seed=0)


def test_leiden_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(leiden, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"python-igraph, which is not installed: `pip install 'comus-explorer\[le"):
        cluster(blobs([30, 30])[0], dataclasses.replace(RAW, method="leiden"), 2, seed=0)


@pytest.mark.parametrize("wanted", [3, 7])
def test_leiden_finds_the_resolution_that_gives_the_number_asked_for(wanted):
    points, group = blobs([40, 40, 40])
    found = leiden.leiden_of(knn_graph(points, 8), wanted, seed=0)
    assert sorted(set(found.tolist())) == list(range(wanted))
    assert all(len(set(group[found == k])) == 1 for k in range(wanted))  # no community reaches into two blobs


def test_leiden_asked_for_fewer_than_there_are_components_gives_these():
    points, group = blobs([40, 40, 40])
    found = leiden.leiden_of(knn_graph(points, 8), 2, seed=0)
    assert adjusted_rand_score(group, found) == 1


def test_every_method_of_the_settings_is_registered_and_those_that_find_their_number_are_not_given_one():
    assert set(METHODS) == set(get_args(ClusteringMethod))
    assert all(name == spec.name and spec.words for name, spec in METHODS.items())
    assert set(NUMBER_FREE) == {name for name, spec in METHODS.items() if spec.finds_number}


NEW = pytest.mark.parametrize("method", ["consensus", "umap", "evoc"])


@NEW
def test_the_new_methods_find_planted_groups_and_give_the_same_bytes_again(method):
    how = dataclasses.replace(RAW, method=method, noise="nearest")
    points, group = blobs([40, 30, 25, 50])
    one, other = (cluster(points, how, 4, seed=3) for _ in range(2))
    assert adjusted_rand_score(group, one.cluster) == 1 and one.cluster.dtype == np.int32
    for name in ("cluster", "distance", "embedding", "centres"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@NEW
@pytest.mark.parametrize("n", [1, 2, 3, 4, 11, 14])
def test_few_points_and_copies_of_them_are_grouped(method, n):
    """Of one blob, so that no method can have its way."""
    points = np.random.default_rng(n).normal(size=(n, 5)).astype(np.float32)
    for wanted in range(1, min(n, 3) + 1):
        copies = np.concatenate([points, points[:2], points[:1]])
        found = cluster(copies, dataclasses.replace(RAW, method=method, noise="nearest"), wanted, seed=0)
        assert len(found.centres) == found.cluster.max() + 1 and found.cluster.min() == 0
        assert found.cluster[-1] == found.cluster[0] and np.isfinite(found.distance).all()
        assert method == "evoc" or len(found.centres) == wanted


def test_evoc_finds_the_number_itself_where_one_is_asked_for_and_no_more_than_are_asked_for():
    points, group = blobs([40, 30, 35, 45])
    how = dataclasses.replace(RAW, method="evoc")
    free, four = (cluster(points, how, wanted, seed=0).cluster for wanted in (1, 4))
    assert free.max() >= 3 and all(len(set(group[free == c])) == 1 for c in range(free.max() + 1))
    assert adjusted_rand_score(group[four >= 0], four[four >= 0]) == 1 and (four >= 0).mean() > 0.8
    assert len(cluster(points, how, 3, seed=0).centres) <= 3


def test_noise_is_kept_or_given_to_the_nearest_cluster():
    points, group = blobs([40, 40])
    points = np.concatenate([points, np.array([[500, 0, 0, 0, 0, 0], [0, -700, 0, 0, 0, 0]], np.float32)])
    keep, nearest = (dataclasses.replace(HOW["hdbscan"], noise=noise) for noise in ("keep", "nearest"))
    one, other = (cluster(points, how, 2, seed=0).cluster for how in (keep, nearest))
    assert one[-2:].tolist() == [-1, -1] and other.min() == 0
    assert other[-2] == np.bincount(other[:80][group == 0]).argmax()  # the blob on the way to it


def test_evoc_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(evoc_layers, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"evoc, which is not installed: `pip install 'comus-explorer\[evoc\]'`"):
        cluster(blobs([30, 30])[0], dataclasses.replace(RAW, method="evoc"), 2, seed=0)
