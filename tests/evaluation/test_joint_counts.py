"""One pass over the pixels: exact against plain loops, whatever the arrays are of, and in memory of the result."""

import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.errors import DatasetError
from comus_core.evaluation.joint_counts import OutOfRange, joint_counts
from comus_core.evaluation.prediction_counts import count_images, count_prediction

TYPES = (np.uint8, np.uint16, np.int32, np.int64)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(TYPES),
    st.sampled_from(TYPES),
    st.sampled_from([None, 3, 255]),
    st.integers(1, 9),
)
def test_the_pairs_are_those_of_a_loop(seed, first_type, second_type, ignore, run):
    rng = np.random.default_rng(seed)
    first = np.repeat(rng.integers(0, 5, (6, 4)), run, axis=1).astype(first_type)
    second = np.repeat(rng.integers(0, 4, (6, 4)), run, axis=1).astype(second_type)
    second[rng.random(second.shape) < 0.2] = 3 if ignore is None else ignore
    expected = [[0] * 4 for _ in range(5)]
    for a, b in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
        if b != ignore:
            expected[a][b] += 1
    assert joint_counts(first, second, 5, 4, ignore).tolist() == expected
    assert joint_counts(first.T, second.T, 5, 4, ignore).tolist() == expected  # not contiguous


def test_nothing_is_counted_of_no_pixels_and_of_ignored_ones_whatever_is_predicted_there():
    empty = np.zeros((0, 7), np.uint8)
    assert joint_counts(empty, empty, 2, 2, 255).tolist() == [[0, 0], [0, 0]]
    assert joint_counts(np.array([9, 1]), np.array([255, 0]), 2, 2, 255).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("first", "second", "side", "value"), [([0, 5], [0, 1], 0, 5), ([0, 1], [1, 4], 1, 4), ([-1], [0], 0, -1)]
)
def test_a_value_without_a_cell_is_named(first, second, side, value):
    with pytest.raises(OutOfRange) as fault:
        joint_counts(np.array(first), np.array(second), 2, 2, 255)
    assert (fault.value.side, fault.value.value) == (side, value)


def test_wrong_masks_are_refused_with_the_image_and_the_value():
    mask, truth = np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8)
    with pytest.raises(DatasetError, match=r"image cat: predicted \(3, 2\) pixels but the ground truth has \(2, 3\)"):
        count_prediction("cat", mask.T, truth, 255, 4, 3)
    with pytest.raises(DatasetError, match="image cat: the predicted mask holds 9, but there are 4 categories"):
        count_prediction("cat", mask + 9, truth, 255, 4, 3)
    with pytest.raises(DatasetError, match="image cat: ground truth holds class 7, but the data set has 3 classes"):
        count_prediction("cat", mask, truth + 7, 255, 4, 3)


def test_counting_needs_no_memory_of_the_size_of_the_image():
    truth = np.repeat(np.arange(20, dtype=np.uint8), 400_000).reshape(4000, 2000)
    joint_counts(truth[:1], truth[:1], 21, 21, 255)  # compiles
    tracemalloc.start()
    table = joint_counts(truth, truth, 21, 21, 255)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.diagonal(table)[:20].tolist() == [400_000] * 20
    assert peak < 100_000


def images(count):
    rng = np.random.default_rng(count)
    pairs = {
        f"{k:04d}": (rng.integers(0, 4, (9, 11), np.uint8), rng.integers(0, 3, (9, 11), np.uint8)) for k in range(count)
    }
    for _, truth in pairs.values():
        truth[0] = 255
    return pairs


@pytest.mark.parametrize("threads", ["1", "3"])
def test_images_side_by_side_give_the_tables_of_one_after_the_other(threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    pairs = images(40)

    def read(image_id):
        time.sleep(0.002 if int(image_id) % 5 == 0 else 0)  # finished out of order
        return pairs[image_id]

    tables = list(count_images(list(pairs), read, 255, 3, 3))
    assert [t.tolist() for t in tables] == [count_prediction(i, *pairs[i], 255, 3, 3).tolist() for i in pairs]


def test_only_a_few_images_are_read_ahead_of_their_use(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    pairs, read, most, used = images(60), [], [], 0
    lock = threading.Lock()

    def reading(image_id):
        with lock:
            read.append(image_id)
            most.append(len(read) - used)
        return pairs[image_id]

    for _ in count_images(list(pairs), reading, 255, 3, 3):
        used += 1
    assert len(read) == 60 and max(most) <= 6


def test_a_fault_in_a_thread_names_its_image():
    pairs = images(12)
    pairs["0007"] = pairs["0007"][0] + 9, pairs["0007"][1]
    with pytest.raises(DatasetError, match="image 0007"):
        list(count_images(list(pairs), pairs.__getitem__, 255, 3, 3))


def test_arrays_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"arrays of shape \(3,\) and \(4,\)"):
        joint_counts(np.zeros(3, int), np.zeros(4, int), 2, 2)
