"""Cluster quality over proposals: scikit-learn's figures, every permutation, and plain counting."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from comus_core.evaluation.cluster_quality import cluster_quality, majority_classes
from comus_core.evaluation.counts import Counts


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4), st.integers(2, 40))
def test_the_figures_are_those_of_scikit_learn_of_permutations_and_of_counting(seed, clusters, classes, n):
    rng = np.random.default_rng(seed)
    cluster, true = rng.integers(-1, clusters, n), rng.integers(-1, classes, n)
    both = [(c, t) for c, t in zip(cluster.tolist(), true.tolist(), strict=True) if c >= 0 and t >= 0]
    found = cluster_quality(cluster, true)
    if not both:
        assert found is None
        return
    ours, theirs = zip(*both, strict=True)
    assert found.proposals == len(both)
    assert found.nmi == pytest.approx(normalized_mutual_info_score(theirs, ours), abs=1e-9)
    assert found.ari == pytest.approx(adjusted_rand_score(theirs, ours), abs=1e-9)
    wide = range(max(clusters, classes))
    best = max(sum(order[c] == t for c, t in both) for order in permutations(wide))
    assert found.accuracy == pytest.approx(100 * best / len(both))
    most = sum(max(Counter(t for c, t in both if c == k).values()) for k in set(ours))
    assert found.purity == pytest.approx(100 * most / len(both))


def test_perfect_clusters_are_perfect_whatever_they_are_called():
    found = cluster_quality(np.array([2, 2, 0, 0, 1]), np.array([0, 0, 5, 5, 3]))
    assert (found.nmi, found.ari, found.accuracy, found.purity) == (1.0, 1.0, 100.0, 100.0)


def test_one_cluster_of_everything_is_as_pure_as_the_largest_class():
    found = cluster_quality(np.zeros(10, int), np.array([1] * 6 + [2] * 4))
    assert (found.purity, found.accuracy, found.ari) == (60.0, 60.0, 0.0)


def test_the_class_of_a_proposal_is_that_of_most_of_its_pixels():
    values = np.array([[1, 5, 2], [0, 0, 0], [4, 4, 0], [9, 9, 9]], np.int64)
    counts = Counts(np.array(["a"] * 4, object), np.array(["a#0", "a#1", "a#2", ""], object), values)
    assert majority_classes(counts, np.array([0, 1, 2, -1])).tolist() == [1, -1, 0, -1]
