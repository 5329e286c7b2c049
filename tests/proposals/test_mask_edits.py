"""Edits of masks against SciPy's morphology, pycocotools and plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from pycocotools import mask as coco_mask
from scipy import ndimage

from comus_core.errors import ImageError, SettingsError
from comus_core.proposals import mask_edits
from comus_core.proposals.mask_edits import (
    component,
    from_runs,
    grown,
    read_mask_file,
    thresholded,
    to_runs,
)
from comus_core.proposals.resizing import resize_bilinear, resize_nearest

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


@given(masks)
@settings(deadline=None)
def test_run_lengths_are_those_of_pycocotools_and_come_back(mask):
    lengths = [int(word, 36) for word in to_runs(mask).split()]
    theirs = coco_mask.frPyObjects({"size": list(mask.shape), "counts": lengths}, *mask.shape)
    assert np.array_equal(coco_mask.decode(theirs).astype(bool), mask)
    assert theirs["counts"].decode() == mask_edits.encoded(mask)
    assert np.array_equal(from_runs(to_runs(mask), mask.shape), mask)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "0 pixels"), ("1 2", "3 pixels"), ("-1 d", "12 pixels"), ("é", "cannot be read"), ("1 " * 14, "more runs"),
     ("1" * 200, "too long"), ("zzzzzzzzzzzzzz", "cannot be read")],
)  # fmt: skip
def test_what_is_no_mask_of_the_image_is_refused(text, fault):
    with pytest.raises(SettingsError, match=fault):
        from_runs(text, (3, 4))


@given(masks)
@settings(deadline=None)
def test_components_are_disjoint_connected_cover_the_mask_and_the_largest_comes_first(mask):
    parts = [component(mask, number + 1)[0] for number in range(component(mask, 1)[1])] if mask.any() else []
    areas = [int(part.sum()) for part in parts]
    assert areas == sorted(areas, reverse=True) and np.array_equal(sum(parts, np.zeros(mask.shape, int)), mask)
    for part in parts:
        start = np.zeros(mask.shape, bool)
        start[tuple(np.argwhere(part)[0])] = True
        reached = ndimage.binary_propagation(start, np.ones((3, 3)), mask)
        assert np.array_equal(reached, part)


def test_behind_the_last_component_comes_the_first_and_an_empty_mask_has_none():
    mask = np.zeros((5, 9), bool)
    mask[1, 1:4] = mask[3, 6:8] = True
    found = [component(mask, number) for number in (1, 2, 3)]
    assert [(int(part.sum()), count) for part, count in found] == [(3, 2), (2, 2), (3, 2)]
    with pytest.raises(SettingsError, match="it has no part"):
        component(np.zeros((3, 3), bool), 1)


@given(masks, st.integers(1, 4))
@settings(deadline=None)
def test_growing_and_shrinking_are_dilation_and_erosion_with_a_disc(mask, pixels):
    y, x = np.ogrid[-pixels : pixels + 1, -pixels : pixels + 1]
    disc = x * x + y * y <= pixels * pixels
    assert np.array_equal(grown(mask, pixels), ndimage.binary_dilation(mask, disc))
    assert np.array_equal(grown(mask, -pixels), ndimage.binary_erosion(mask, disc, border_value=1))


def test_nothing_grows_by_nothing_and_too_much_is_refused():
    mask = np.eye(4, dtype=bool)
    assert np.array_equal(grown(mask, 0), mask) and grown(mask, 0) is not mask
    assert not grown(np.zeros((4, 4), bool), 3).any() and grown(np.ones((4, 4), bool), -3).all()
    with pytest.raises(SettingsError, match="at most 500"):
        grown(mask, 501)


@pytest.mark.parametrize("resize", ["soft", "binary"])
@given(arrays(np.uint8, (6, 7)), st.sampled_from([0.25, 0.5, 0.8]))
@settings(deadline=None, max_examples=40)
def test_another_threshold_keeps_the_parts_that_touch_the_mask(resize, values, threshold):
    soft, mask = values.astype(np.float32) / 255, np.zeros((12, 21), bool)
    mask[4:7, 5:9] = True
    above = resize_nearest(soft > threshold, (12, 21))
    if resize == "soft":
        above = resize_bilinear(soft, (12, 21)) > threshold
    expected = ndimage.binary_propagation(above & mask, np.ones((3, 3)), above)
    assert np.array_equal(thresholded(soft, mask, threshold, resize), expected)


def test_a_mask_is_read_from_grey_colour_palette_and_transparent_files(tmp_path):
    mask = np.zeros((6, 8), bool)
    mask[2:4, 3:7] = True
    grey = mask.astype(np.uint8)
    palette = Image.fromarray(grey)
    palette.putpalette([255, 255, 255] + [0, 0, 0] * 255)  # an index says what is object, whatever its colour
    files = {
        "grey": Image.fromarray(grey * 255),
        "one": Image.fromarray(grey),
        "bits": Image.fromarray(mask),
        "words": Image.fromarray(grey.astype(np.uint16) * 300),
        "colour": Image.fromarray(np.stack([grey * 9, grey * 0, grey * 0], axis=2)),
        "clear": Image.fromarray(np.stack([grey * 0 + 200] * 3 + [grey * 255], axis=2)),
        "palette": palette,
    }
    for name, image in files.items():
        image.save(tmp_path / f"{name}.png")
        assert np.array_equal(read_mask_file(tmp_path / f"{name}.png", (6, 8)), mask), name
    with pytest.raises(SettingsError, match=r"6 x 8 pixels .* its image has 5 x 8"):
        read_mask_file(tmp_path / "grey.png", (5, 8))
    (tmp_path / "no.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match="give a PNG file"):
        read_mask_file(tmp_path / "no.png", (5, 8))
    with pytest.raises(ImageError, match=r"none\.png"):
        read_mask_file(tmp_path / "none.png", (5, 8))
