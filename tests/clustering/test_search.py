"""The tournament of blocks against plain float64 loops; the choice of a search; approximate neighbours."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from comus_core.clustering import all_pairs, nearest, search
from comus_core.clustering.all_pairs import nearest_among
from comus_core.clustering.graph import knn_graph
from comus_core.clustering.search import choose_search, neighbours_among
from comus_core.errors import SettingsError

GRIDS = hnp.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 3)), elements=st.integers(-2, 2))


def ranked(points: np.ndarray, neighbours: int) -> np.ndarray:
    """The nearest by (float64 distance, index), from all pairs."""
    wide = points.astype(float)
    return np.stack([np.argsort(((p - wide) ** 2).sum(axis=1), kind="stable")[:neighbours] for p in wide])


@given(GRIDS, st.integers(1, 35))
@settings(max_examples=150, deadline=None)
def test_compiled_search_finds_the_same_neighbours_with_ties_and_duplicates(points, neighbours):
    neighbours = min(neighbours, len(points))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "FEW_POINTS", 1)
        found = neighbours_among(points, neighbours, "exact")
    np.testing.assert_array_equal(found, ranked(points, neighbours))


@pytest.mark.parametrize("order", ["shuffled", "sorted"])
@pytest.mark.parametrize("offset", [0, 100])
def test_every_row_of_random_points_is_complete_and_right_whatever_their_order(order, offset):
    points = np.random.default_rng(1).normal(size=(700, 24)).astype(np.float32)
    points = points[np.argsort(points[:, 0])] if order == "sorted" else points
    found, complete = nearest_among(points + np.float32(offset), 12)
    assert complete.all()
    np.testing.assert_array_equal(found, ranked(points + np.float32(offset), 12))


def test_a_row_whose_neighbours_are_all_within_rounding_is_given_up_and_found_otherwise():
    rng = np.random.default_rng(1)
    points = (rng.integers(0, 4, (1510, 1)) + 1e-6 * rng.normal(size=(1510, 8))).astype(np.float32)
    assert not nearest_among(points, 6)[1].all()
    np.testing.assert_array_equal(neighbours_among(points, 6, "exact"), ranked(points, 6))


@pytest.mark.parametrize("threads", ["1", "2", "5"])
@pytest.mark.parametrize("block", [64, 1024])
def test_neither_threads_nor_blocks_change_a_neighbour(monkeypatch, threads, block):
    points = np.random.default_rng(0).normal(size=(700, 16)).astype(np.float32)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr(all_pairs, "BLOCK", block)
    np.testing.assert_array_equal(nearest_among(points, 10)[0], nearest.nearest(points, points, 10)[0])


@given(st.integers(1, 17))
def test_all_blocks_meet_once_and_none_twice_in_a_round(count):
    rounds = all_pairs._rounds(count)
    meetings = [tuple(sorted(pair)) for meetings in rounds for pair in meetings]
    assert sorted(meetings) == [(a, b) for a in range(count) for b in range(a, count)]
    for meetings in rounds[1:]:
        met = [block for pair in meetings for block in pair]
        assert len(met) == len(set(met))


def test_the_choice_is_exact_up_to_200_000_points_and_a_graphics_card_goes_first(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(search, "find_spec", lambda _: None)
    assert [choose_search(n) for n in (5, 200_000, 200_001)] == ["exact", "exact", "nndescent"]
    assert choose_search(5, "nndescent") == "nndescent"
    with pytest.raises(SettingsError, match="faiss is not installed"):
        choose_search(5, "faiss")
    with pytest.raises(SettingsError, match=r"'best'.*auto, exact, nndescent, faiss"):
        choose_search(5, "best")
    monkeypatch.setattr(search, "find_spec", lambda _: object())
    monkeypatch.setitem(sys.modules, "faiss", SimpleNamespace(get_num_gpus=lambda: 1))
    assert [choose_search(n) for n in (5, 5000)] == ["exact", "faiss"]


@pytest.mark.slow  # compiling pynndescent takes a minute
def test_pynndescent_finds_most_neighbours_and_the_graph_says_that_it_was_asked():
    points = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    exact, approximate = knn_graph(points, 15, "exact"), knn_graph(points, 15, "nndescent", seed=3)
    assert (exact.search, approximate.search) == ("exact", "nndescent")
    shared = exact.affinity.minimum(approximate.affinity).sum() / exact.affinity.sum()
    assert shared > 0.9
    np.testing.assert_array_equal(approximate.affinity.diagonal(), 1)
    assert abs(approximate.affinity - approximate.affinity.T).max() == 0


def test_candidates_are_ranked_by_exact_distance_and_index():
    points = np.random.default_rng(0).integers(0, 3, (80, 2)).astype(np.float32)
    everyone = np.tile(np.arange(80)[::-1], (80, 1))
    np.testing.assert_array_equal(nearest.rank_candidates(points, everyone, 9), ranked(points, 9))
