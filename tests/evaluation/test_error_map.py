"""Errors pixel by pixel on arrays small enough to be read, and against sets of pixels."""

import numpy as np
import pytest

from comus_core.errors import DatasetError
from comus_core.evaluation.error_map import (
    IGNORED,
    INVENTED,
    MISSED,
    RIGHT,
    WRONG_CLASS,
    error_map,
    predicted_classes,
)

CLASS_OF = np.array([0, 2, 1, -1])  # category 0 is class 2, category 1 is class 1, category 2 is no class


def test_every_kind_of_error_is_told_apart():
    truth = np.array([[0, 1, 2, 2], [1, 0, 1, 0]], np.uint8)
    mask = np.array([[0, 2, 1, 2], [0, 1, 3, 3]], np.uint8)
    expected = [[RIGHT, RIGHT, RIGHT, WRONG_CLASS], [MISSED, INVENTED, WRONG_CLASS, INVENTED]]
    assert error_map(mask, truth, CLASS_OF).tolist() == expected
    assert predicted_classes(mask, CLASS_OF).tolist() == [[0, 1, 2, 1], [0, 2, -1, -1]]


def test_what_truth_or_training_mask_ignores_is_no_error():
    truth = np.array([[255, 1, 0]], np.uint8)
    mask = np.array([[1, 255, 255]], np.uint8)
    assert error_map(mask, truth, CLASS_OF, 255, 255).tolist() == [[IGNORED] * 3]
    assert error_map(np.array([[1, 0, 0]], np.uint8), truth, CLASS_OF, 255, 255).tolist() == [[IGNORED, MISSED, RIGHT]]
    assert predicted_classes(mask, CLASS_OF, 255).tolist() == [[2, -1, -1]]


def test_background_matched_to_a_class_is_an_object():
    class_of = np.array([1, 0])
    truth, mask = np.array([[1, 0, 1, 0]], np.uint8), np.array([[0, 0, 1, 1]], np.uint8)
    assert error_map(mask, truth, class_of).tolist() == [[RIGHT, INVENTED, MISSED, RIGHT]]


def test_masks_of_other_sizes_are_told():
    with pytest.raises(DatasetError, match=r"a mask of \(1, 2\) pixels but ground truth of \(2, 2\)"):
        error_map(np.zeros((1, 2), np.uint8), np.zeros((2, 2), np.uint8), CLASS_OF)


def test_what_is_right_is_what_sets_of_pixels_share():
    rng = np.random.default_rng(0)
    for _ in range(5):
        truth, mask = rng.integers(0, 3, (9, 7)), rng.integers(0, 4, (9, 7))
        predicted = predicted_classes(mask, CLASS_OF)
        sets = [(set(np.flatnonzero(predicted == c)), set(np.flatnonzero(truth == c))) for c in range(3)]
        assert (error_map(mask, truth, CLASS_OF) == RIGHT).sum() == sum(len(a & b) for a, b in sets)
