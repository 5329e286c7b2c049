"""Batches depend on seed, round, epoch and step alone."""

import numpy as np
import pytest
import torch

from comus_core.training.examples import BatchPlan, Examples, batches, order_of_epoch, steps_per_epoch
from comus_core.training.settings import OptimisationSettings
from comus_core.training.team import Team

ALONE = Team()
SETTINGS = OptimisationSettings(crop=32, batch=4)


def made(count=10, cache_bytes=10**9):
    reads = []

    def read(image_id):
        reads.append(image_id)
        number = int(image_id)
        return np.full((40, 50, 3), number, np.uint8), np.full((40, 50), number, np.uint8)

    return Examples([str(k) for k in range(count)], read, cache_bytes), reads


def seen(examples, first=0, steps=6, team=ALONE):
    return list(batches(examples, SETTINGS, BatchPlan(5, 1, steps, first, team)))


def test_an_epoch_shows_every_image_once_but_for_the_last_incomplete_batch():
    examples, _ = made()
    shown = [labels[:, 0, 0].tolist() for _, labels in seen(examples, steps=2)]
    assert steps_per_epoch(10, 4) == 2
    assert [k for batch in shown for k in batch] == order_of_epoch(10, 5, 1, 0)[:8].tolist()


def test_begun_in_the_middle_the_batches_are_those_of_the_whole():
    examples, _ = made()
    whole, rest = seen(examples), seen(examples, first=3)
    assert len(whole) == 6 and len(rest) == 3
    for (a, b), (c, d) in zip(whole[3:], rest, strict=True):
        assert torch.equal(a, c) and torch.equal(b, d)


def test_two_processes_share_each_batch_between_them():
    examples, _ = made()
    whole = seen(examples)
    parts = [seen(examples, team=Team(rank, 2)) for rank in range(2)]
    for step, (pixels, _) in enumerate(whole):
        assert torch.equal(torch.stack([parts[k % 2][step][0][k // 2] for k in range(4)]), pixels)


def test_epochs_rounds_and_seeds_have_orders_of_their_own():
    orders = {tuple(order_of_epoch(50, *key)) for key in [(0, 1, 0), (0, 1, 1), (0, 2, 0), (1, 1, 0)]}
    assert len(orders) == 4 and all(sorted(order) == list(range(50)) for order in orders)


def test_an_image_is_kept_where_there_is_room_and_decoded_each_time_where_there_is_none():
    examples, reads = made(8)
    seen(examples, steps=6)
    assert set(reads) == {str(k) for k in range(8)}
    reads.clear()
    seen(examples, steps=6)
    assert reads == []
    examples, reads = made(8, cache_bytes=2 * (40 * 50 * 4))
    seen(examples, steps=6)
    assert len(examples._held) == 2 and len(reads) >= 6 * 3


def test_fewer_images_than_a_batch_are_repeated():
    examples, _ = made(3)
    assert [sorted(set(labels[:, 0, 0].tolist())) for _, labels in seen(examples, steps=2)] == [[0, 1, 2]] * 2


def test_a_fault_in_reading_reaches_the_training():
    def read(_):
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        seen(Examples(["a"], read))
