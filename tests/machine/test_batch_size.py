"""The size of a batch: a network's own on the CPU, fewer where memory is short, more on a GPU by what it has."""

import pytest

from comus_core.machine import batch_size
from comus_core.machine.batch_size import MOST_ON_GPU, PLENTY, batch_on, fitting_batch, free_memory
from comus_core.workspace.shards import SHARD_SIZE

MB = 2**20


@pytest.mark.parametrize(
    ("own", "room", "each", "fits"),
    [
        (16, 64 * 16 * MB, 16 * MB, 16),  # just a fourth
        (16, 64 * 16 * MB - 1, 16 * MB, 8),
        (16, 10 * MB, 16 * MB, 1),  # one there always is
        (1, 0, MB, 1),
        (128, 139 * 2**30, 50 * MB, 128),
        (128, 8 * 2**30, 50 * MB, 32),
    ],
)
def test_a_batch_takes_at_most_a_fourth(own, room, each, fits):
    assert fitting_batch(own, room, each) == fits


def test_on_the_cpu_it_shrinks_by_whole_groups_and_measures_nothing_while_there_is_plenty(monkeypatch):
    def never():
        raise AssertionError("measured")

    for room in (None, PLENTY, 100 * PLENTY):
        monkeypatch.setattr(batch_size, "free_memory", lambda room=room: room)
        assert batch_on("cpu", 16, never) == 16
        assert batch_on("cpu", 16, never, threads=6) == 24  # a group for each
        assert batch_on("cpu", 6, never) == 8
    monkeypatch.setattr(batch_size, "free_memory", lambda: 512 * MB)
    assert batch_on("cpu", 16, lambda: 32 * MB) == 4
    assert batch_on("cpu", 16, lambda: 32 * MB, threads=6) == 4
    assert batch_on("cpu", 16, lambda: 999 * MB) == 4  # never less: it would give other last bits in bfloat16


def test_a_gpu_takes_more_by_its_memory(monkeypatch):
    monkeypatch.setattr(batch_size, "gpu_memory", lambda device: {"cuda:0": 80, "cuda:1": 4}[device] * 2**30)
    assert batch_on("cuda:0", 16, lambda: 40 * MB) == MOST_ON_GPU == SHARD_SIZE  # what a stage gives at a time
    assert batch_on("cuda:1", 16, lambda: 40 * MB) == 16


def test_free_memory_is_the_lesser_of_machine_and_container(monkeypatch, tmp_path):
    monkeypatch.setattr(batch_size, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(batch_size, "GROUP", tmp_path)
    assert free_memory() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    assert free_memory() == 4000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory() == 4000 * 1024
    (tmp_path / "memory.max").write_text("3000\n")
    assert free_memory() == 2000
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 600\nactive_file 50\n")
    assert free_memory() == 2600
    (tmp_path / "memory.current").write_text("5000\n")
    assert free_memory() == 0
