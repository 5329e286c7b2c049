"""What clusterings agree on, against arithmetic, and the classifier that completes it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from comus_core.clustering.clusters import cluster
from comus_core.clustering.consensus import (
    Consensus,
    cheap_clusterings,
    completed,
    consensus,
    neighbourhoods,
    reduced,
)
from comus_core.clustering.method import Problem
from comus_core.clustering.nearest import groups_of_equals
from comus_core.config import ClusteringSettings, ConsensusSettings
from tests.clustering.test_clusters import groups, two_views

HOW = ClusteringSettings(method="consensus", neighbours=10)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.integers(1, 5), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_the_consensus_of_identical_clusterings_is_that_clustering(sizes, members, seed):
    label = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    found = consensus(np.tile(label, (members, 1)), len(sizes), seed=0)
    assert adjusted_rand_score(label, found.label) == 1
    np.testing.assert_array_equal(found.agreement, 1)
    vectors = np.random.default_rng(seed).normal(size=(len(label), 4)).astype(np.float32)
    np.testing.assert_array_equal(completed(vectors, found, 0.7), found.label)  # there is nothing to complete


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_how_the_clusterings_number_their_clusters_changes_no_byte(seed):
    rng = np.random.default_rng(seed)
    members = np.stack([rng.integers(0, k, 60) for k in (3, 5, 4, 7)])
    renamed = np.stack([rng.permutation(30)[member] for member in members])
    one, other = (consensus(m, 4, seed=1) for m in (members, renamed))
    assert one.rows.tobytes() == other.rows.tobytes() and one.label.tobytes() == other.label.tobytes()
    np.testing.assert_array_equal(one.agreement, other.agreement)


def test_the_agreement_is_the_mean_share_of_companions_in_the_same_cluster():
    rng = np.random.default_rng(0)
    members = np.stack([rng.integers(0, k, 40) for k in (2, 3, 5)])
    found = consensus(members, 3, seed=0)
    for i in range(40):
        shares = [(found.label[member == member[i]] == found.label[i]).mean() for member in members]
        assert found.agreement[i] == pytest.approx(np.mean(shares))


def test_clusterings_that_err_on_different_points_are_corrected_by_each_other():
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(4), 30)
    members = np.tile(truth, (21, 1))
    for member in members:
        wrong = rng.choice(120, 25, replace=False)
        member[wrong] = rng.integers(0, 4, 25)
    found = consensus(members, 4, seed=0)
    assert max(adjusted_rand_score(truth, member) for member in members) < 0.8
    assert adjusted_rand_score(truth, found.label) == 1


def test_the_classifier_gives_points_in_dispute_to_the_cluster_whose_vectors_theirs_are_like():
    points, group = groups([30, 30, 30], noise=0.2)
    label, agreement = group.astype(np.int32), np.ones(90)
    label[:5], agreement[:5] = (group[:5] + 1) % 3, 0.4
    rows = np.eye(3, dtype=np.float32)[label]
    np.testing.assert_array_equal(completed(points, Consensus(label, rows, agreement), 0.7), group)
    np.testing.assert_array_equal(completed(points, Consensus(label, rows, agreement), 0.3), label)


def test_no_cluster_is_lost_where_nothing_is_agreed_on():
    points, _ = groups([10, 10], noise=2.0)
    label = np.arange(20, dtype=np.int32) % 5
    found = completed(points, Consensus(label, points, np.linspace(0, 0.5, 20)), 0.9)
    assert set(found.tolist()) == set(range(5))


def test_the_clusterings_differ_by_neighbourhood_space_number_and_start():
    points, _ = groups([30, 30, 30, 30], noise=0.9)
    how = ConsensusSettings(seeds=2, neighbourhoods=2, components=(4,), whitened=(3,), granularity=(1.0, 2.0))
    problem = Problem(points, groups_of_equals(points), dataclasses.replace(HOW, neighbours=30, consensus=how), 4, 4, 0)
    members = cheap_clusterings(problem)
    assert members.shape == (2 * 2 * 3 * 2, 120)
    assert set((members.max(axis=1) + 1).tolist()) == {4, 8}
    assert len(np.unique(members, axis=0)) > 18
    np.testing.assert_array_equal(members, cheap_clusterings(problem))


def test_neighbourhoods_shrink_to_half_a_mean_cluster_and_never_exceed_the_points():
    assert neighbourhoods(30, 500, 20, 4) == [30, 22, 16, 12]
    assert neighbourhoods(30, 20, 10, 3) == [20, 15, 8] and neighbourhoods(5, 500, 20, 4) == [5]
    assert neighbourhoods(30, 500, 20, 1) == [30]


def test_principal_components_are_scikit_learn_s_whitened_or_not():
    points, _ = groups([40, 40], noise=0.8)
    for whiten in (False, True):
        rows = PCA(5, whiten=whiten, svd_solver="full").fit_transform(points.astype(float))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        mine = reduced(points, 5, whiten=whiten)
        np.testing.assert_allclose(np.abs(mine), np.abs(rows), atol=1e-5)
    assert reduced(points[:3], 50, whiten=True).shape == (3, 2)


def test_a_point_that_one_view_says_nothing_of_is_grouped_by_the_other():
    views, group = two_views()
    alone = [adjusted_rand_score(group, cluster(view, HOW, 4, seed=0).cluster) for view in views]
    both = cluster(views[0], HOW, 4, seed=0, beside=views[1])
    assert max(alone) < 0.8 and adjusted_rand_score(group, both.cluster) > 0.95
