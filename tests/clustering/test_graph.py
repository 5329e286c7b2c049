"""The graph against plain float64 loops, where ties and duplicates abound, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neighbors import kneighbors_graph

from comus_core.clustering import graph as graph_module
from comus_core.clustering import nearest as search
from comus_core.clustering.graph import joint_graph, knn_graph, normalise
from comus_core.clustering.nearest import nearest
from comus_core.errors import SettingsError

GRIDS = hnp.arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.integers(-2, 2))


def ranked(query, points) -> list[int]:
    """All points by (distance, index), distances as float64 sums of squares."""
    square = [float(((query.astype(float) - p) ** 2).sum()) for p in points]
    return sorted(range(len(points)), key=lambda j: (square[j], j))


def affinity_by_hand(points, neighbours: int) -> np.ndarray:
    """A = (C + C^T) / 2, a point its own first neighbour."""
    names = np.zeros((len(points), len(points)))
    for i, point in enumerate(points):
        row = ranked(point, points)[:neighbours]
        names[i, row if i in row else [*row[:-1], i]] = 1
    return (names + names.T) / 2


@given(GRIDS, st.integers(1, 35))
@settings(max_examples=200)
def test_the_graph_is_the_stated_one_with_ties_and_duplicates(points, neighbours):
    graph = knn_graph(points, neighbours)
    np.testing.assert_array_equal(graph.affinity.toarray(), affinity_by_hand(points, min(neighbours, len(points))))


@given(GRIDS, GRIDS, st.integers(1, 30))
def test_the_nearest_are_those_of_a_full_sort_whatever_the_tile(queries, points, neighbours):
    queries, neighbours = np.resize(queries, (len(queries), points.shape[1])), min(neighbours, len(points))
    found, square = nearest(queries, points, neighbours)
    expected = [ranked(q, points)[:neighbours] for q in queries]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        square, [[((q - points[j]) ** 2).sum() for j in row] for q, row in zip(queries, expected, strict=True)]
    )


def test_small_tiles_find_the_same_neighbours(monkeypatch):
    points = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    whole = nearest(points, points, 10)
    monkeypatch.setattr(search, "TILE_BYTES", 7 * 4 * 500)
    monkeypatch.setattr(search, "PAIRS_AT_ONCE", 13)
    for a, b in zip(whole, nearest(points, points, 10), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("offset", [0, 1000], ids=["centred", "far from the origin"])
@pytest.mark.parametrize(("n", "dimensions"), [(400, 2), (700, 64), (1500, 384)])
def test_the_graph_equals_scikit_learn_s_on_random_points(n, dimensions, offset):
    points = (np.random.default_rng(n).normal(size=(n, dimensions)) + offset).astype(np.float32)
    theirs = kneighbors_graph(points.astype(np.float64), 30, include_self=True)
    assert abs(knn_graph(points, 30).affinity - (theirs + theirs.T) / 2).max() == 0


def test_tight_groups_far_apart_keep_their_own_neighbours():
    """Distances a millionth of the spread, where float32 products alone see only noise."""
    rng = np.random.default_rng(1)
    points = (rng.integers(0, 4, (200, 1)) + 1e-5 * rng.normal(size=(200, 8))).astype(np.float32)
    np.testing.assert_array_equal(knn_graph(points, 6).affinity.toarray(), affinity_by_hand(points, 6))


def test_the_point_itself_is_a_neighbour_even_behind_many_duplicates():
    graph = knn_graph(np.ones((50, 3), np.float32), 5)
    np.testing.assert_array_equal(graph.affinity.diagonal(), 1)
    assert graph.affinity.dtype == np.float32
    assert graph.component_count == 1


def test_the_affinity_is_symmetric_and_a_half_where_only_one_names_the_other():
    affinity = knn_graph(np.array([[0], [1], [3]], np.float32), 2).affinity.toarray()
    np.testing.assert_array_equal(affinity, [[1, 1, 0], [1, 1, 0.5], [0, 0.5, 1]])


def test_components_are_counted_and_numbered_by_their_first_points():
    points = np.array([[9.0], [0.0], [9.1], [0.1], [50.0], [50.1]], np.float32)
    graph = knn_graph(points, 2)
    assert graph.component_count == 3
    np.testing.assert_array_equal(graph.components, [0, 1, 0, 1, 2, 2])


@given(GRIDS, st.integers(1, 8), st.integers(0, 9))
def test_two_views_of_the_same_points_are_joined_by_adding_their_graphs(points, neighbours, seed):
    other = np.random.default_rng(seed).integers(-2, 3, (len(points), 2)).astype(np.float32)
    count = min(neighbours, len(points))
    graph = joint_graph(knn_graph(points, neighbours), knn_graph(other, neighbours))
    expected = affinity_by_hand(points, count) + affinity_by_hand(other, count)
    np.testing.assert_array_equal(graph.affinity.toarray(), expected)
    reachable = np.linalg.matrix_power((expected > 0).astype(float), len(points)) > 0
    np.testing.assert_array_equal(graph.components[:, None] == graph.components[None], reachable)


def test_one_point_is_its_own_only_neighbour():
    np.testing.assert_array_equal(knn_graph(np.zeros((1, 4), np.float32), 30).affinity.toarray(), [[1]])


def test_l2_gives_unit_length_and_leaves_zero_alone_while_raw_leaves_all():
    vectors = np.array([[3, 4], [0, 0], [1e30, 1e30], [1e-30, 0]], np.float32)
    np.testing.assert_allclose(normalise(vectors, "l2"), [[0.6, 0.8], [0, 0], [0.5**0.5] * 2, [1, 0]], rtol=1e-7)
    np.testing.assert_array_equal(normalise(vectors, "raw"), vectors)


def test_vectors_are_brought_to_length_one_a_block_at_a_time(monkeypatch):
    points = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32)
    whole = normalise(points, "l2")
    monkeypatch.setattr(graph_module, "ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(normalise(points, "l2"), whole)


def test_graphs_of_different_points_are_not_joined():
    with pytest.raises(SettingsError, match="graphs of 3 and 4 points cannot be joined"):
        joint_graph(knn_graph(np.eye(3)), knn_graph(np.eye(4)))


def test_raw_and_l2_vectors_make_different_graphs():
    vectors = np.array([[1, 0], [10, 0], [1, 1], [10, 9]], np.float32)
    raw, l2 = (knn_graph(normalise(vectors, how), 2).affinity.toarray() for how in ("raw", "l2"))
    assert raw[0, 2] == 1
    assert raw[0, 1] == 0.5
    assert l2[0, 1] == 1
    assert l2[0, 2] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_no_numbers_are_counted_and_the_first_row_named(bad):
    vectors = np.zeros((9, 3), np.float32)
    vectors[[4, 7], 1] = bad
    with pytest.raises(SettingsError, match=r"2 of 9 rows.*first row 4"):
        normalise(vectors, "raw")
    with pytest.raises(SettingsError, match=r"2 of 9 rows.*first row 4"):
        knn_graph(vectors)


def test_wrong_shapes_choices_and_counts_are_refused():
    with pytest.raises(SettingsError, match=r"shape \(5,\)"):
        normalise(np.zeros(5, np.float32), "raw")
    with pytest.raises(SettingsError, match=r"'cosine'.*raw, l2"):
        normalise(np.zeros((5, 2), np.float32), "cosine")
    with pytest.raises(SettingsError, match="neighbours 0"):
        knn_graph(np.zeros((5, 2), np.float32), 0)
    with pytest.raises(SettingsError, match="no vectors"):
        knn_graph(np.zeros((0, 2), np.float32))
