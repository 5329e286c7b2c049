"""Blocks of points as shards: the same bytes from several processes, nothing left behind, clear errors."""

import os
from pathlib import Path

import numpy as np
import pytest

from comus_core.clustering import search
from comus_core.clustering.blocks import HERE
from comus_core.clustering.clusters import cluster
from comus_core.clustering.graph import knn_graph
from comus_core.compute import computing
from comus_core.config import ClusteringSettings
from comus_core.errors import ComputeError
from comus_core.stages.blocks import FOLDER, sharded_blocks
from comus_core.types import no_progress

POINTS = np.random.default_rng(0).normal(size=(9000, 8)).astype(np.float32)


def twice(arrays, rows):
    """Block work of every kind of column."""
    part = arrays["points"][rows]
    return {"row": np.arange(rows.start, rows.stop), "twice": 2 * part, "first": part[:, 0].astype(np.float64)}


def dies(arrays, rows):
    if rows.start:
        os._exit(3)
    return twice(arrays, rows)


def test_columns_come_in_order_and_nothing_is_left(tmp_path):
    told = []
    with sharded_blocks(tmp_path, "clustering", lambda p: told.append((p.stage, p.step, p.total))) as blocks:
        found = blocks("twice", twice, {"points": POINTS}, len(POINTS))
        assert not blocks.workers
    expected = HERE("twice", twice, {"points": POINTS}, len(POINTS))
    assert list(found) == ["row", "twice", "first"] and os.listdir(tmp_path) == []
    for name, values in expected.items():
        assert values.dtype == found[name].dtype
        np.testing.assert_array_equal(found[name], values)
    assert told[0] == ("clustering", 0, 3) and told[-1] == ("clustering", 3, 3)


def test_what_is_in_a_file_is_not_copied_and_finished_blocks_are_not_made_again(tmp_path):
    np.save(tmp_path / "points.npy", POINTS)
    mapped, seen = np.load(tmp_path / "points.npy", mmap_mode="r"), []

    def once(arrays, rows):
        if rows.start == 8192 and not seen:
            seen.append(sorted(p.name for p in (tmp_path / "w").rglob("*.npy")))
            raise KeyboardInterrupt
        made.append(rows.start)
        return twice(arrays, rows)

    for repeated in (False, True):
        made = []
        folder = tmp_path / "w"
        try:
            with sharded_blocks(folder, "clustering", no_progress) as blocks:
                found = blocks("twice", once, {"points": mapped, "part": mapped[5:]}, len(POINTS))
        except KeyboardInterrupt:
            assert not repeated and made == [0, 4096] and seen == [["part.npy"]]
    assert made == [8192] and not (tmp_path / "w" / FOLDER).exists()
    np.testing.assert_array_equal(found["twice"], 2 * POINTS)


@pytest.mark.thorough
def test_two_processes_give_the_graph_and_the_clusters_that_one_gives(tmp_path, monkeypatch):
    how = ClusteringSettings(neighbours=8, features="raw", landmarks=2500, n_init=2, graph="exact")
    alone, graph = cluster(POINTS, how, 3, seed=0), knn_graph(POINTS, 8, "exact")
    monkeypatch.setattr(search, "SPREAD_POINTS", 2000)
    with computing("processes:2"), sharded_blocks(tmp_path, "clustering", no_progress) as blocks:
        assert blocks.workers
        spread, other = cluster(POINTS, how, 3, seed=0, blocks=blocks), knn_graph(POINTS, 8, "exact", blocks=blocks)
    assert other.affinity.data.tobytes() == graph.affinity.data.tobytes()
    assert other.affinity.indices.tobytes() == graph.affinity.indices.tobytes()
    for name in ("cluster", "distance", "embedding", "centres", "landmarks"):
        assert getattr(spread, name).tobytes() == getattr(alone, name).tobytes()
    for name, values in alone.measures.items():
        assert spread.measures[name].tobytes() == values.tobytes()


@pytest.mark.thorough
def test_a_block_that_ends_every_process_is_an_error_that_says_what_to_do(tmp_path):
    with (
        pytest.raises(ComputeError, match=r"proposals 4096 to 8191 end every process.*fewer processes.*landmarks"),
        computing("processes:1"),
        sharded_blocks(Path(tmp_path), "clustering", no_progress) as blocks,
    ):
        blocks("twice", dies, {"points": POINTS}, 8192)
