"""Run lengths of a crop are those that pycocotools gives of the whole mask."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from comus_core.export.round_objects import runs_of_crop


@pytest.mark.parametrize("seed", range(40))
def test_the_run_lengths_are_those_of_the_whole_mask(seed):
    draw = np.random.default_rng(seed)
    height, width = draw.integers(1, 9, 2)
    top, left = draw.integers(0, height), draw.integers(0, width)
    h, w = draw.integers(1, height - top + 1), draw.integers(1, width - left + 1)
    crop = draw.random((h, w)) < (0.5, 0.95)[seed % 2]
    crop[0, 0] = True
    whole = np.zeros((height, width), np.uint8, order="F")
    whole[top : top + h, left : left + w] = crop
    found = runs_of_crop(crop, (int(top), int(left)), (int(height), int(width)))
    assert found == coco_mask.encode(whole)["counts"]


def test_runs_that_go_on_in_the_next_column_are_one():
    whole = np.zeros((5, 4), np.uint8, order="F")
    whole[:, 1:] = 1
    assert runs_of_crop(np.ones((5, 3), bool), (0, 1), (5, 4)) == coco_mask.encode(whole)["counts"]
