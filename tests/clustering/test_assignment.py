"""New vectors join the cluster of their nearest clustered neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from comus_core.clustering.assignment import assign_to_nearest
from comus_core.errors import SettingsError


@given(st.integers(0, 1000), st.integers(1, 12))
def test_the_vote_and_its_share_are_those_of_scikit_learn_s_distance_weighted_classifier(seed, neighbours):
    rng = np.random.default_rng(seed)
    known, new = rng.normal(size=(60, 4)).astype(np.float32), rng.normal(size=(20, 4)).astype(np.float32)
    labels = rng.integers(0, 5, 60)
    model = KNeighborsClassifier(neighbours, weights="distance", algorithm="brute")
    model.fit(known.astype(float), labels)
    cluster, confidence = assign_to_nearest(new, known, labels, neighbours)
    share = model.predict_proba(new.astype(float))
    np.testing.assert_array_equal(cluster, model.predict(new.astype(float)))
    np.testing.assert_allclose(confidence, share.max(axis=1), atol=1e-6)
    assert cluster.dtype == np.int32
    assert confidence.dtype == np.float32


def test_a_vector_of_the_run_gets_its_own_cluster_with_full_confidence():
    rng = np.random.default_rng(0)
    known, labels = rng.normal(size=(200, 8)).astype(np.float32), rng.integers(0, 20, 200)
    cluster, confidence = assign_to_nearest(known, known, labels)
    np.testing.assert_array_equal(cluster, labels)
    np.testing.assert_array_equal(confidence, 1)


def test_identical_vectors_of_two_clusters_share_the_vote_and_farther_ones_have_none():
    known = np.array([[0], [0], [0], [1], [1], [1], [1]], np.float32)
    cluster, confidence = assign_to_nearest(np.zeros((1, 1), np.float32), known, np.array([2, 5, 5, 2, 2, 2, 2]))
    assert cluster.tolist() == [5]
    np.testing.assert_allclose(confidence, 2 / 3, rtol=1e-6)


def test_equal_votes_go_to_the_nearer_voter_and_then_to_the_lower_row():
    known = np.array([[1], [-1], [9]], np.float32)
    assert assign_to_nearest(np.zeros((1, 1), np.float32), known, np.array([7, 3, 3]), 2)[0].tolist() == [7]
    assert assign_to_nearest(np.zeros((1, 1), np.float32), known, np.array([3, 7, 7]), 2)[0].tolist() == [3]


def test_unassigned_vectors_have_no_vote():
    known = np.array([[0], [0.1], [5]], np.float32)
    cluster, confidence = assign_to_nearest(np.zeros((1, 1), np.float32), known, np.array([-1, -1, 4]))
    assert (cluster.tolist(), confidence.tolist()) == ([4], [1])


def test_the_answer_does_not_depend_on_who_else_is_asked():
    rng = np.random.default_rng(1)
    known, new, labels = rng.normal(size=(300, 32)), rng.normal(size=(50, 32)), rng.integers(0, 9, 300)
    together = assign_to_nearest(new, known, labels)
    alone = [assign_to_nearest(row[None], known, labels) for row in new]
    np.testing.assert_array_equal(together[0], np.concatenate([a[0] for a in alone]))
    np.testing.assert_array_equal(together[1], np.concatenate([a[1] for a in alone]))


def test_nobody_to_assign_gives_empty_columns():
    cluster, confidence = assign_to_nearest(np.zeros((0, 3)), np.zeros((4, 3)), np.zeros(4, int))
    assert (cluster.shape, confidence.shape) == ((0,), (0,))


def test_wrong_inputs_are_named():
    known, labels = np.zeros((4, 3), np.float32), np.zeros(4, int)
    with pytest.raises(SettingsError, match="2 dimensions, the clustered ones 3"):
        assign_to_nearest(np.zeros((1, 2)), known, labels)
    with pytest.raises(SettingsError, match="4 vectors but 3 clusters"):
        assign_to_nearest(known, known, labels[:3])
    with pytest.raises(SettingsError, match="none of 4 vectors is in a cluster"):
        assign_to_nearest(known, known, labels - 1)
    with pytest.raises(SettingsError, match="1 of 1 rows"):
        assign_to_nearest(np.full((1, 3), np.nan), known, labels)
    with pytest.raises(SettingsError, match="neighbours 0"):
        assign_to_nearest(known, known, labels, 0)
