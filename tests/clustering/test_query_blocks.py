"""Neighbours of blocks of queries against plain float64 loops, and against those of all points at once."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from comus_core.clustering import query_blocks, search
from comus_core.clustering.all_pairs import BLOCK, tile_of
from comus_core.clustering.blocks import HERE, heed_nothing
from comus_core.clustering.graph import knn_graph
from comus_core.clustering.query_blocks import add_within_reach, nearest_to
from comus_core.clustering.search_points import SearchPoints
from comus_core.errors import Cancelled

GRIDS = hnp.arrays(np.float32, st.tuples(st.integers(1, 60), st.just(2)), elements=st.integers(-2, 2))


class Elsewhere:
    """Blocks as workers make them: each from its own start and end, the last ones first."""

    workers = True

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, name, work, arrays, count):
        self.names.append(name)
        slices = [slice(start, min(start + 300, count)) for start in range(0, count, 300)]
        parts = [work(arrays, rows, heed_nothing) for rows in reversed(slices)][::-1]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def test_queries_are_given_up_within_a_moment(monkeypatch):
    """Not at the end of their block, which among a million points takes minutes."""
    tiles = []

    def slow(*shape):
        tiles.append(time.sleep(0.02))
        return tile_of(*shape)

    def cancel():
        raise Cancelled("that is enough")

    points = np.random.default_rng(0).normal(size=(60 * BLOCK, 2)).astype(np.float32)
    known = SearchPoints.of(points)
    monkeypatch.setattr(query_blocks, "tile_of", slow)
    monkeypatch.setattr("comus_core.machine.threads.LOOK_EVERY", 0.05)
    for call in (
        lambda: nearest_to(points[:600], known, 3, cancel),
        lambda: add_within_reach(points[:600], known, np.ones(len(points)), np.ones((len(points), 1)), cancel),
    ):
        tiles.clear()
        with pytest.raises(Cancelled, match="that is enough"):
            call()
        assert 0 < len(tiles) < 40  # of 120


def squares_between(queries, points) -> np.ndarray:
    return np.square(queries[:, None].astype(float) - points[None]).sum(axis=2)


@given(GRIDS, GRIDS, st.integers(1, 35))
@settings(max_examples=60, deadline=None)
def test_the_nearest_come_by_distance_and_index_with_ties_and_duplicates(queries, points, neighbours):
    neighbours, square = min(neighbours, len(points)), squares_between(queries, points)
    indices, squares = nearest_to(queries, SearchPoints.of(points), neighbours)
    expected = np.argsort(square, axis=1, kind="stable")[:, :neighbours]
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(squares, np.take_along_axis(square, expected, axis=1))


@given(GRIDS, GRIDS, st.lists(st.integers(0, 9), min_size=60, max_size=60))
@settings(max_examples=60, deadline=None)
def test_rows_of_the_points_that_reach_a_query_are_added(queries, points, reach):
    reach, rows = np.array(reach[: len(points)], float), np.arange(2.0 * len(points)).reshape(-1, 2)
    reached = squares_between(queries, points) <= reach
    sums, counts = add_within_reach(queries, SearchPoints.of(points), reach, rows)
    np.testing.assert_array_equal(sums, reached @ rows)
    np.testing.assert_array_equal(counts, reached.sum(axis=1))


def test_neither_other_queries_nor_threads_change_a_bit(monkeypatch):
    rng = np.random.default_rng(0)
    points, queries = (rng.normal(size=(n, 24)).astype(np.float32) for n in (3000, 700))
    known, rows = SearchPoints.of(points), rng.normal(size=(3000, 3))
    reach = nearest_to(points, known, 20)[1][:, -1]
    found = []
    for threads, part, tile in (("1", 700, 512), ("3", 99, 64)):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        monkeypatch.setattr(query_blocks, "QUERIES", tile)
        parts = [queries[start : start + part] for start in range(0, 700, part)]
        near = np.concatenate([nearest_to(q, known, 20)[1] for q in parts])
        sums = np.concatenate([add_within_reach(q, known, reach, rows)[0] for q in parts])
        found.append((near.tobytes(), sums.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["random", "near-duplicates", "duplicates"])
def test_the_graph_of_blocks_is_that_of_all_points_at_once(monkeypatch, kind):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(1700, 8))
    if kind == "near-duplicates":  # many rows are given up, others in blocks than in the tournament
        points = rng.integers(0, 4, (1700, 1)) + 1e-6 * points
    if kind == "duplicates":
        points[500:] = points[rng.integers(0, 40, 1200)]
    points, blocks = points.astype(np.float32), Elsewhere()
    whole = knn_graph(points, 9, "exact")
    monkeypatch.setattr(search, "SPREAD_POINTS", 100)
    spread = knn_graph(points, 9, "exact", blocks=blocks)
    assert blocks.names == ["neighbours"]
    for name in ("data", "indices", "indptr"):
        assert getattr(whole.affinity, name).tobytes() == getattr(spread.affinity, name).tobytes()
    np.testing.assert_array_equal(whole.components, spread.components)


def test_few_points_stay_in_this_process():
    points, blocks = np.random.default_rng(0).normal(size=(1600, 4)).astype(np.float32), Elsewhere()
    knn_graph(points, 5, "exact", blocks=blocks)
    assert blocks.names == [] and not HERE.workers
