"""Outlines as masks; the oracle is pycocotools wherever it reads the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from comus_core.datasets.coco_outlines import box_of, draw, draw_box, parts_of
from tests.datasets.test_coco import run_lengths

MASKS = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 1))


@given(MASKS)
def test_run_lengths_give_back_the_mask_that_pycocotools_packed(mask):
    packed = coco_mask.encode(np.asfortranarray(mask))
    text = {"size": packed["size"], "counts": packed["counts"].decode()}
    for segmentation in (packed, text, run_lengths(mask)):
        np.testing.assert_array_equal(draw(parts_of(segmentation), mask.shape), mask)


def test_long_runs_are_read_too():
    mask = np.zeros((2000, 3000), np.uint8)
    mask[:, 1700:2500], mask[3, 5] = 1, 1
    packed = coco_mask.encode(np.asfortranarray(mask))
    np.testing.assert_array_equal(draw(parts_of(packed), mask.shape), mask)


POLYGON, OTHER = [1.5, 1, 12, 2, 9.2, 8, 2, 7], [14, 3, 18, 3, 16, 9]


@pytest.mark.parametrize(
    ("segmentation", "polygons"),
    [
        ([POLYGON, OTHER], [POLYGON, OTHER]),
        (POLYGON, [POLYGON]),  # flat
        ([[1.5, 1], [12, 2], [9.2, 8], [2, 7]], [POLYGON]),  # pairs
        ([[[1.5, 1], [12, 2], [9.2, 8], [2, 7]], OTHER], [POLYGON, OTHER]),
        ([[-50, -50, 5000, -50, 5000, 5000, -50, 5000]], [[-50, -50, 5000, -50, 5000, 5000, -50, 5000]]),
    ],
)
def test_polygons_are_drawn_as_pycocotools_draws_them(segmentation, polygons):
    expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, 10, 20)))
    np.testing.assert_array_equal(draw(parts_of(segmentation), (10, 20)), expected)


def test_polygons_and_run_lengths_may_be_mixed():
    mask = np.zeros((10, 20), int)
    mask[8:, :4] = 1
    expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([POLYGON], 10, 20))) | mask
    np.testing.assert_array_equal(draw(parts_of([POLYGON, run_lengths(mask)]), (10, 20)), expected)


@pytest.mark.parametrize(
    "nothing", [None, [], "", {}, [[]], [[3, 4, 5, 6]], [3, 4, 5, 6], {"counts": [], "size": [2, 2]}]
)
def test_what_encloses_nothing_has_no_parts(nothing):
    assert parts_of(nothing) == []


@pytest.mark.parametrize("wrong", [7, "mask.png", True, [POLYGON, 7], [POLYGON, "x"]])
def test_what_is_no_outline_is_refused(wrong):
    with pytest.raises(ValueError, match="neither"):
        parts_of(wrong)


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        (
            {"size": [5, 20], "counts": [10, 90]},
            r"have size \[5, 20\] \(height, width\), the image has \[10, 20\]",
        ),
        ({"counts": [10, 190]}, "have size None"),
        ({"size": [10, 20], "counts": [10, 90]}, "have 100 pixels, not 10 x 20 = 200"),
        ({"size": [10, 20], "counts": [250, -50]}, "have 200 pixels"),
        ({"size": [10, 20], "counts": [10, "x"]}, "cannot be read"),
        ({"size": [10, 20], "counts": 7}, "neither a list nor a text"),
        ({"size": [10, 20], "counts": "zzzz"}, "damaged"),  # pycocotools writes 743 pixels somewhere
        ({"size": [10, 20], "counts": "0180000000000000"}, "run lengths have"),
        ({"size": [10, 20], "counts": "ooooooooooo1"}, "damaged"),
        ([[1, 1, 5, 1, 5, 5, 7]], "7 numbers, which are not pairs"),
        ([[1, 1, 5, 1, 5, None]], "coordinate None"),
        ([[1, 1, 5, 1, 5, float("nan")]], "coordinate nan"),
        ([[1, 1, 5, 1, 5, 1e12]], "coordinate 1000000000000.0"),
    ],
)
def test_a_bad_outline_says_what_is_wrong_with_it(segmentation, words):
    with pytest.raises(ValueError, match=words):
        draw(parts_of(segmentation), (10, 20))


def test_a_box_covers_every_pixel_that_it_touches():
    expected = np.zeros((10, 20), bool)
    expected[2:6, 1:5] = True
    np.testing.assert_array_equal(draw_box((1.5, 2, 3, 3.25), (10, 20)), expected)
    assert draw_box((-5, -5, 100, 100), (10, 20)).all() and not draw_box((-9, -9, 4, 4), (10, 20)).any()
    assert box_of({"bbox": [1, 2, 3, 4]}) == (1, 2, 3, 4)
    for none in ({}, {"bbox": None}, {"bbox": []}, {"bbox": [1, 2, 0, 4]}, {"bbox": [1, 2, 3, float("inf")]}):
        assert box_of(none) is None
