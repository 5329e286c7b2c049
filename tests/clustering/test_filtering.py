"""The contract: keep the first ceil((1 - p/100)(n - 1)) by (distance, proposal id), at least 1; p = 0 keeps all."""

import subprocess
import sys
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comus_core.clustering.filtering import filter_rank, kept
from comus_core.errors import SettingsError

PERCENTS = st.one_of(st.integers(0, 100), st.decimals(0, 100, places=2)).map(str)


@st.composite
def clusterings(draw):
    """Clusters from -1 to 3, distances with many ties, ids in an order that is not that of the rows."""
    n = draw(st.integers(0, 40))
    cluster = draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n))
    distance = draw(st.lists(st.sampled_from([0.0, 0.125, 0.1, 0.5, 2.0]), min_size=n, max_size=n))
    ids = draw(st.permutations([f"image {i // 2}#{i % 2 * 9}" for i in range(n)]))
    return np.array(cluster, np.int32), np.array(distance, np.float32), np.array(ids, dtype=object)


def kept_ids(cluster, distance, ids, percent: str) -> set[str]:
    """The contract's sentence in plain Python with exact fractions."""
    core = set()
    for which in set(cluster.tolist()) - {-1}:
        members = sorted((d, i) for c, d, i in zip(cluster, distance, ids, strict=True) if c == which)
        count = ceil((1 - Fraction(percent) / 100) * (len(members) - 1)) if Fraction(percent) else len(members)
        core |= {i for _, i in members[: max(count, 1)]}
    return core


@given(clusterings(), PERCENTS)
def test_the_kept_set_is_the_contract_s_to_the_last_proposal(clustering, percent):
    cluster, distance, ids = clustering
    assert set(ids[kept(cluster, distance, ids, float(percent))]) == kept_ids(cluster, distance, ids, percent)


@given(st.integers(1, 2000), PERCENTS)
def test_the_count_has_no_rounding_error(n, percent):
    mask = kept(np.zeros(n, np.int32), np.linspace(0, 1, n), np.arange(n).astype(str), float(percent))
    exact = ceil((1 - Fraction(percent) / 100) * (n - 1)) if Fraction(percent) else n
    assert mask.sum() == max(exact, 1)


@given(clusterings(), PERCENTS)
def test_no_kept_distance_exceeds_a_dropped_one_of_the_same_cluster(clustering, percent):
    cluster, distance, ids = clustering
    mask = kept(cluster, distance, ids, float(percent))
    for which in set(cluster.tolist()) - {-1}:
        keys = [(d, i) for d, i in zip(distance, ids, strict=True)]
        inside = [keys[i] for i in np.flatnonzero(mask & (cluster == which))]
        outside = [keys[i] for i in np.flatnonzero(~mask & (cluster == which))]
        assert inside
        assert not outside or max(inside) < min(outside)


@given(clusterings(), st.permutations(range(4)), PERCENTS)
def test_renaming_clusters_changes_nothing(clustering, names, percent):
    cluster, distance, ids = clustering
    renamed = np.array([-1 if c < 0 else names[c] for c in cluster], np.int32)
    p = float(percent)
    np.testing.assert_array_equal(kept(renamed, distance, ids, p), kept(cluster, distance, ids, p))


@given(clusterings(), st.randoms(use_true_random=False), PERCENTS)
def test_the_order_of_the_rows_changes_nothing(clustering, random, percent):
    cluster, distance, ids = clustering
    order = list(range(len(ids)))
    random.shuffle(order)
    p = float(percent)
    shuffled = kept(cluster[order], distance[order], ids[order], p)
    np.testing.assert_array_equal(shuffled, kept(cluster, distance, ids, p)[order])


@given(clusterings())
def test_zero_keeps_all_but_the_unassigned_and_a_hundred_keeps_one_of_each_cluster(clustering):
    cluster, distance, ids = clustering
    np.testing.assert_array_equal(kept(cluster, distance, ids, 0), cluster >= 0)
    assert sorted(cluster[kept(cluster, distance, ids, 100)]) == sorted(set(cluster.tolist()) - {-1})


@given(clusterings(), PERCENTS)
def test_one_rank_answers_every_percentage_by_a_comparison(clustering, percent):
    cluster, distance, ids = clustering
    rank = filter_rank(cluster, distance, ids)
    np.testing.assert_array_equal(float(percent) < rank, kept(cluster, distance, ids, float(percent)))


def test_twenty_percent_drops_the_far_fifth_and_not_the_near_fifth_nor_four_fifths():
    distance = np.arange(11) / 10
    mask = kept(np.zeros(11, int), distance, np.arange(11).astype(str), 20)
    np.testing.assert_array_equal(mask, distance < 0.75)


def test_a_far_cluster_keeps_as_large_a_share_as_a_near_one():
    cluster = np.repeat([0, 1], 101)
    distance = np.r_[np.linspace(0, 0.1, 101), np.linspace(0.9, 1, 101)]
    mask = kept(cluster, distance, np.arange(202).astype(str), 20)
    assert mask[:101].sum() == mask[101:].sum() == 80


def test_each_cluster_may_have_its_own_percentage_and_one_left_out_keeps_all():
    cluster = np.repeat([0, 1, 2], 11)
    distance, ids = np.tile(np.arange(11.0), 3), np.arange(33).astype(str)
    mask = kept(cluster, distance, ids, {0: 50, 2: 100})
    assert [int(mask[cluster == c].sum()) for c in range(3)] == [5, 11, 1]


@pytest.mark.parametrize("percent", [-1, 100.5, float("nan"), {0: 101}])
def test_a_percentage_out_of_range_is_refused(percent):
    with pytest.raises(SettingsError, match="from 0 to 100"):
        kept(np.zeros(3, int), np.zeros(3), ["a", "b", "c"], percent)


def test_a_nan_distance_names_its_proposal_unless_it_is_unassigned():
    cluster, distance, ids = np.array([0, 0, -1]), np.array([0.1, np.nan, np.nan]), ["a#0", "b#0", "c#0"]
    with pytest.raises(SettingsError, match=r"1 distances are NaN.*b#0"):
        kept(cluster, distance, ids, 20)
    np.testing.assert_array_equal(kept(np.array([0, -1, -1]), distance, ids, 20), [True, False, False])


def test_columns_of_different_length_are_refused():
    with pytest.raises(SettingsError, match="3 clusters, 2 distances and 3 proposal ids"):
        kept(np.zeros(3, int), np.zeros(2), ["a", "b", "c"], 20)


def test_the_filter_imports_neither_torch_nor_scikit_learn_nor_scipy():
    code = (
        "import sys; import comus_core.clustering.filtering;"
        "sys.exit(bool({'torch', 'sklearn', 'scipy', 'umap'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
