"""Freed memory stays with the process while it trains, is handed back afterwards, and no number changes."""

import json
import subprocess
import sys

import pytest

from comus_core.training import tuning
from comus_core.training.tuning import kept_memory
from tests.training.test_loop import one_thread, same, trained  # noqa: F401

# In a process of its own: the thresholds stay when the block has ended. 64 MiB are more than glibc ever keeps itself.
MEASURE = """
import json, os, torch
from comus_core.training.tuning import kept_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def used_and_freed():
    before = resident()
    tensor = torch.ones(64 * 2**20 // 4)
    used = resident() - before
    del tensor
    return used, resident() - before

used_and_freed()  # the first time, PyTorch's own threads and code come into memory too
found = {"plain": used_and_freed(), "start": resident()}
try:
    with kept_memory() as found["applies"]:
        found["inside"] = used_and_freed()
        raise KeyboardInterrupt
except KeyboardInterrupt:
    found["end"] = resident()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def measured():
    said = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, timeout=300)
    return json.loads(said.stdout)


def test_inside_the_block_what_a_tensor_leaves_stays_with_the_process_and_outside_it_does_not(measured):
    used, left = measured["plain"]
    assert used > 60 and left < 8  # MiB
    used, left = measured["inside"]
    assert measured["applies"] is True and used > 60 and left > 60


def test_at_the_end_of_the_block_it_is_handed_back_though_the_training_was_stopped(measured):
    assert measured["end"] - measured["start"] < 8


def test_losses_and_weights_are_those_without_it(tmp_path):
    plain, plain_state = trained(tmp_path / "plain")
    with kept_memory():
        weights, state = trained(tmp_path / "kept")
    assert same(plain, weights) and [r["loss"] for r in state.history] == [r["loss"] for r in plain_state.history]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_on_other_systems_nothing_is_asked_of_the_allocator(monkeypatch, platform):
    monkeypatch.setattr(tuning.sys, "platform", platform)
    monkeypatch.setattr(tuning.ctypes, "CDLL", None)  # not loaded: there is no such library
    with kept_memory() as applies:
        assert applies is False


def test_another_c_library_than_glibc_is_left_alone(monkeypatch):
    class Other:
        mallopt = None  # without gnu_get_libc_version

    monkeypatch.setattr(tuning.ctypes, "CDLL", lambda name: Other())
    with kept_memory() as applies:
        assert applies is False


def test_an_allocator_that_refuses_a_gigabyte_is_asked_for_32_mib(monkeypatch):
    asked = []

    class Older:
        gnu_get_libc_version = None

        def mallopt(self, what, value):
            asked.append((what, value // tuning.MIB))
            return what != tuning.MMAP_THRESHOLD or value <= 32 * tuning.MIB

        def malloc_trim(self, pad):
            asked.append(("trim", pad))

    monkeypatch.setattr(tuning, "_glibc", Older)
    with kept_memory() as applies:
        assert applies is True
    assert asked[:2] == [(tuning.MMAP_THRESHOLD, 1024), (tuning.MMAP_THRESHOLD, 32)] and asked[-1] == ("trim", 0)
