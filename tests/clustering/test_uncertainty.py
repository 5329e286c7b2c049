"""What the filter may rank by: brute force and scikit-learn as oracles, and the contract's count for each."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from comus_core.clustering.filtering import kept
from comus_core.clustering.graph import knn_graph
from comus_core.clustering.uncertainty import agreement, neighbour_distance, silhouette, uncertainties
from comus_core.errors import SettingsError


def clustered(seed: int, n: int = 60, clusters: int = 5, dimensions: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Points, and clusters of them, none empty and some of one point."""
    rng = np.random.default_rng(seed)
    labels = np.r_[
        np.arange(clusters), rng.choice(clusters, n - clusters, p=[0, *[1 / (clusters - 1)] * (clusters - 1)])
    ]
    return rng.normal(size=(n, dimensions)).astype(np.float32) + labels[:, None], labels


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_the_silhouette_is_scikit_learn_s_with_squared_distances(seed, clusters):
    points, labels = clustered(seed, clusters=clusters)
    expected = silhouette_samples(points.astype(float), labels, metric="sqeuclidean")
    np.testing.assert_allclose(silhouette(points, labels), expected, atol=1e-9)


def test_one_cluster_alone_and_identical_points_have_no_silhouette():
    points = np.ones((6, 3), np.float32)
    assert silhouette(points, np.zeros(6, int)).tolist() == [0] * 6
    assert silhouette(points, np.array([0, 0, 0, 1, 1, 1])).tolist() == [0] * 6


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12))
def test_density_and_agreement_are_means_over_the_neighbours_in_the_graph(seed, neighbours):
    points, labels = clustered(seed)
    graph = knn_graph(points, neighbours)
    affinity = graph.affinity.toarray().astype(float)
    np.fill_diagonal(affinity, 0)
    distance, same = neighbour_distance(points, graph), agreement(labels, graph)
    for i in range(len(points)):
        lengths = [np.linalg.norm(points[i].astype(float) - points[j]) for j in range(len(points))]
        assert distance[i] == pytest.approx(np.average(lengths, weights=affinity[i]))
        assert same[i] == pytest.approx(np.average(labels == labels[i], weights=affinity[i]))


def test_a_point_without_neighbours_is_dense_and_agrees():
    graph = knn_graph(np.zeros((1, 2), np.float32), 5)
    found = uncertainties(np.zeros((1, 2), np.float32), np.array([0]), graph)
    assert {name: values.tolist() for name, values in found.items()} == {
        "silhouette": [1.0],
        "density": [0.0],
        "agreement": [0.0],
    }


def test_the_unassigned_have_no_value_and_are_neighbours_of_another_cluster():
    points, labels = clustered(3)
    graph, noise = knn_graph(points, 6), np.arange(60) % 7 == 3
    labels = np.where(noise, -1, labels)
    assert sorted(set(labels.tolist())) == [-1, 0, 1, 2, 3, 4]
    found = uncertainties(points, labels, graph)
    assert all((np.isnan(values) == noise).all() for values in found.values())
    rest = silhouette_samples(points[~noise].astype(float), labels[~noise], metric="sqeuclidean")
    np.testing.assert_allclose(found["silhouette"][~noise], 1 - rest, atol=1e-6)
    np.testing.assert_allclose(found["agreement"][~noise], 1 - agreement(labels, graph)[~noise], atol=1e-6)
    assert not kept(labels, found["density"], np.arange(60).astype(str), 50)[noise].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["silhouette", "density", "agreement"]), st.integers(0, 100))
def test_ranked_by_anything_the_filter_keeps_the_contract_s_count_and_the_best(seed, by, percent):
    points, labels = clustered(seed, n=40)
    value = uncertainties(points, labels, knn_graph(points, 6))[by]
    ids = np.random.default_rng(seed).permutation([f"image {i}#0" for i in range(40)])
    mask = kept(labels, value, ids, percent)
    for c in range(5):
        members = sorted((v, i) for v, i, k in zip(value, ids, labels, strict=True) if k == c)
        count = ceil((1 - Fraction(percent, 100)) * (len(members) - 1)) if percent else len(members)
        assert set(ids[mask & (labels == c)]) == {i for _, i in members[: max(count, 1)]}


def test_lengths_that_differ_are_named():
    with pytest.raises(SettingsError, match="3 rows, 2 clusters, a graph of 4 points"):
        uncertainties(np.zeros((3, 1)), np.zeros(2, int), knn_graph(np.zeros((4, 1), np.float32), 2))
