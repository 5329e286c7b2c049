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
from comus_core.compute.dispatch import _lost
from comus_core.compute.packing import make_shard
from comus_core.config import ClusteringSettings
from comus_core.errors import Cancelled, ComputeError
from comus_core.stages import blocks as stage_blocks
from comus_core.stages.blocks import BLOCKS, FOLDER, sharded_blocks
from comus_core.types import no_progress
from comus_core.workspace.shards import IMAGES, ShardPlan

POINTS = np.random.default_rng(0).normal(size=(9000, 8)).astype(np.float32)


def twice(arrays, rows, heed):
    """Block work of every kind of column."""
    part = arrays["points"][rows]
    return {"row": np.arange(rows.start, rows.stop), "twice": 2 * part, "first": part[:, 0].astype(np.float64)}


def dies(arrays, rows, heed):
    if rows.start:
        os._exit(3)
    return twice(arrays, rows, heed)


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

    def once(arrays, rows, heed):
        if rows.start == 8192 and not seen:
            seen.append(sorted(p.name for p in (tmp_path / "w").rglob("*.npy")))
            raise KeyboardInterrupt
        made.append(rows.start)
        return twice(arrays, rows, heed)

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


def test_blocks_of_other_arrays_are_made_anew_and_those_of_the_same_are_not(tmp_path):
    """What a kill left is of an embedding that the next process may not compute again to the last bit."""
    made, stop = [], [8192]

    def noted(arrays, rows, heed):
        if rows.start in stop:
            raise KeyboardInterrupt
        made.append(rows.start)
        return twice(arrays, rows, heed)

    def attempt(**arrays):
        made.clear()
        with sharded_blocks(tmp_path / "w", "clustering", no_progress) as blocks:
            return blocks("twice", noted, arrays, len(POINTS))["twice"]

    np.save(tmp_path / "mapped.npy", POINTS[:7])
    mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
    turned, scale = -POINTS, np.array(2.0)
    for arrays in (
        {"points": POINTS, "scale": scale, "mapped": mapped},
        {"points": turned, "scale": scale, "mapped": mapped},
        {"points": turned, "scale": np.array(3.0), "mapped": mapped},
    ):
        with pytest.raises(KeyboardInterrupt):
            attempt(**arrays)
        assert made == [0, 4096]
    with pytest.raises(KeyboardInterrupt):
        attempt(**arrays)
    assert made == []
    os.utime(tmp_path / "mapped.npy", ns=(0, 0))
    stop.clear()
    np.testing.assert_array_equal(attempt(**arrays), 2 * turned)
    assert made == [0, 4096, 8192] and not (tmp_path / "w" / FOLDER).exists()


def test_blocks_stay_until_the_stage_is_done_and_their_arrays_do_not(tmp_path):
    """A kill in what comes after them, be it a second call, makes none of them anew."""
    made = []

    def noted(arrays, rows, heed):
        made.append(rows.start)
        return twice(arrays, rows, heed)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), sharded_blocks(tmp_path, "clustering", no_progress) as blocks:
            for factor in (1, 2):
                found = blocks("twice", noted, {"points": factor * POINTS}, len(POINTS))
                np.testing.assert_array_equal(found["twice"], 2 * factor * POINTS)
            assert not list(tmp_path.rglob("*.npy")) and len(list(tmp_path.rglob("*.parquet"))) == 6
            raise KeyboardInterrupt
    assert made == [0, 4096, 8192] * 2


def test_a_block_says_often_that_it_is_at_work_and_can_be_given_up_within(tmp_path):
    def long(arrays, rows, heed):
        heed()
        heed()
        raise AssertionError("goes on")

    def cancel(progress):
        told.append(progress.step)
        if len(told) == 3:
            raise Cancelled

    told = []
    with pytest.raises(Cancelled), sharded_blocks(tmp_path, "clustering", cancel) as blocks:
        blocks("long", long, {"points": POINTS}, len(POINTS))
    assert told == [0, 0, 0] and not list(tmp_path.rglob("*.attempt.json"))


def test_a_worker_holds_the_buffers_of_blas_before_it_computes(tmp_path, monkeypatch):
    def refused():
        raise MemoryError

    monkeypatch.setattr(stage_blocks, "hold_blas_buffers", refused)
    stage_blocks._hold_blas_buffers.cache_clear()  # of this process: a worker's is its own
    with pytest.raises(MemoryError), sharded_blocks(tmp_path, "clustering", no_progress) as blocks:
        blocks("twice", twice, {"points": POINTS}, len(POINTS))


def test_a_fault_names_the_block_and_it_is_not_tried_again(tmp_path):
    calls = []

    def fails(arrays, rows, heed):
        calls.append(rows.start)
        raise ZeroDivisionError("a fault")

    def spread(plan, starts, tell):
        raise make_shard(plan, starts[1], tell)

    with pytest.raises(ComputeError) as raised, sharded_blocks(tmp_path, "clustering", no_progress) as blocks:
        blocks._spread = spread
        blocks("fails", fails, {"points": POINTS}, len(POINTS))
    assert str(raised.value) == "clustering: block of proposals 4096 to 8191: ZeroDivisionError: a fault"
    assert calls == [4096]


@pytest.mark.parametrize("first", ["images", "blocks"])
def test_only_images_can_be_left_out(tmp_path, first):
    nouns, ids = (IMAGES, ["a.png", "b.png"]) if first == "images" else (BLOCKS, ["0 to 4095"])
    error = str(_lost(ShardPlan(tmp_path, ids, None, "clustering", nouns=nouns), 0, "killed"))
    assert ("--exclude" in error) == ("image" in error) == (first == "images")
    assert ("at the same images: a.png, b.png" if first == "images" else "block of proposals: 0 to 4095") in error


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
