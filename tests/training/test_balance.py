"""Thresholds that keep the same share of every category, against sorting all pixels."""

import math

import numpy as np
import pytest

from comus_core.training.balance import balanced_thresholds, confidence_histogram, only_sure

IGNORE = 255


def predicted(images=6, seed=0):
    """Masks of four categories that differ in how often and how surely they were given; a fifth never is."""
    rng = np.random.default_rng(seed)
    for _ in range(images):
        size = tuple(rng.integers(20, 60, 2))
        mask = rng.choice(4, size, p=[0.7, 0.2, 0.09, 0.01]).astype(np.uint8)
        sure = rng.beta(np.array([8, 4, 2, 1])[mask], 2)
        yield mask, np.round(sure * 255).astype(np.uint8)


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.9, 1.0])
def test_of_every_category_the_surest_share_is_kept_and_those_as_sure_as_the_last(share):
    thresholds = balanced_thresholds(confidence_histogram(predicted(), 4), share)
    masks, sure = (np.concatenate([part.ravel() for part in parts]) for parts in zip(*predicted(), strict=True))
    for category in range(4):
        descending = np.sort(sure[masks == category])[::-1]
        assert thresholds[category] == descending[math.ceil(share * len(descending)) - 1]
    assert thresholds.dtype == np.uint8 and len(thresholds) == 5


def test_whole_numbers_of_pixels_are_kept_whole():
    histogram = np.zeros((1, 256), np.int64)
    histogram[0, 10:20] = 1
    assert [balanced_thresholds(histogram, k / 10)[0] for k in range(1, 11)] == list(range(19, 9, -1))


def test_the_histogram_counts_each_pixel_but_those_without_a_label():
    mask = np.array([[0, 2, IGNORE], [2, 1, 0]], np.uint8)
    sure = np.array([[9, 255, 77], [0, 5, 9]], np.uint8)
    counted = confidence_histogram([(mask, sure), (mask[:1], sure[:1])], 2)
    expected = np.zeros((3, 256), int)
    for category, level in [(0, 9), (0, 9), (0, 9), (1, 5), (2, 255), (2, 255), (2, 0)]:
        expected[category, level] += 1
    assert np.array_equal(counted, expected)


@pytest.mark.parametrize(("dtype", "ignore"), [(np.uint8, 255), (np.uint16, 65535)])
def test_what_lies_below_the_threshold_of_its_category_is_ignored(dtype, ignore):
    mask = np.array([[0, 1, 1], [2, 2, ignore]], dtype)
    sure = np.array([[99, 100, 101], [0, 255, 3]], np.uint8)
    kept = only_sure(mask, sure, np.array([100, 101, 0], np.uint8), ignore)
    assert kept.tolist() == [[ignore, ignore, 1], [2, 2, ignore]] and kept.dtype == dtype
