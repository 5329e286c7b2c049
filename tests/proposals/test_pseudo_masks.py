"""Kept proposals as index masks: the right id at every pixel, ignore where it is uncertain, lossless as PNG."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from comus_core.errors import ImageError, SettingsError
from comus_core.proposals.pseudo_masks import (
    from_png,
    index_dtype_and_ignore,
    pseudo_mask,
    to_png,
    training_images,
    voc_palette,
)
from comus_core.proposals.table import concatenate, proposals_of

SIZE = (6, 8)


def three_proposals():
    """Disjoint masks: the left two columns, the right two, one pixel between."""
    masks = np.zeros((3, *SIZE), bool)
    masks[0, :, :2], masks[1, :, 6:], masks[2, 3, 4] = True, True, True
    return proposals_of("a", list(masks), [0.9, 0.8, 0.7]), masks


@pytest.mark.parametrize(
    ("categories", "dtype", "ignore"),
    [(0, np.uint8, 255), (20, np.uint8, 255), (254, np.uint8, 255), (255, np.uint16, 65535), (65534, np.uint16, 65535)],
)
def test_index_masks_are_bytes_up_to_254_categories_and_words_above(categories, dtype, ignore):
    assert index_dtype_and_ignore(categories) == (np.dtype(dtype), ignore)
    assert categories < ignore  # the highest index, category + 1, is never the ignore value


def test_more_categories_than_16_bits_hold_are_refused():
    with pytest.raises(SettingsError, match="65535 categories"):
        index_dtype_and_ignore(65535)


@settings(deadline=None)
@given(
    st.lists(st.integers(-1, 299), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.sampled_from([1, 254, 255, 300]),
)
def test_every_pixel_says_its_proposals_category_plus_one_or_ignore_or_background(category, kept, categories):
    category = [min(c, categories - 1) for c in category]
    proposals, masks = three_proposals()
    mask = pseudo_mask(proposals, np.array(category), np.array(kept), SIZE, categories)
    core = [k and c >= 0 for k, c in zip(kept, category, strict=True)]
    ignore = 255 if categories <= 254 else 65535
    for y in range(SIZE[0]):
        for x in range(SIZE[1]):
            owner = next((row for row in range(3) if masks[row, y, x]), None)
            if owner is None or not any(core):
                assert mask[y, x] == 0
            else:
                assert mask[y, x] == (category[owner] + 1 if core[owner] else ignore)
    assert mask.dtype == (np.uint8 if categories <= 254 else np.uint16)
    assert np.array_equal(from_png(to_png(mask)), mask)


def test_an_image_of_one_kept_proposal_holds_background_and_its_id_only():
    for category in (0, 7, 19):
        proposals, masks = three_proposals()
        mask = pseudo_mask(proposals[:1], np.array([category]), np.array([True]), SIZE, 20)
        assert set(np.unique(mask)) == {0, category + 1}
        assert np.array_equal(mask == category + 1, masks[0])


def test_an_image_without_proposals_is_background():
    proposals, _ = three_proposals()
    mask = pseudo_mask(proposals[:0], np.zeros(0, int), np.zeros(0, bool), SIZE, 20)
    assert mask.shape == SIZE
    assert not mask.any()


def test_inputs_that_do_not_belong_together_are_refused():
    proposals, _ = three_proposals()
    three, yes = np.array([0, 1, 2]), np.ones(3, bool)
    with pytest.raises(SettingsError, match="3 proposals, 2 categories"):
        pseudo_mask(proposals, three[:2], yes, SIZE, 20)
    with pytest.raises(SettingsError, match=r"size \[\(6, 8\)\] but the image has \(8, 6\)"):
        pseudo_mask(proposals, three, yes, (8, 6), 20)
    with pytest.raises(SettingsError, match="category 2 is too high: there are 2"):
        pseudo_mask(proposals, three, yes, SIZE, 2)
    other = proposals_of("b", [np.ones(SIZE, bool)], [0.5])
    both = concatenate([proposals, other])
    with pytest.raises(SettingsError, match=r"2 images \(a, b\)"):
        pseudo_mask(both, np.zeros(4, int), np.ones(4, bool), SIZE, 2)


def test_images_without_a_kept_proposal_leave_the_first_round():
    images = np.array(["b", "a", "a", "c", "d", "d"], dtype=object)
    kept = np.array([True, False, True, False, True, True])
    assert training_images(images, kept) == ["b", "a", "d"]
    assert training_images(images, np.zeros(6, bool)) == []
    with pytest.raises(SettingsError, match="6 proposals but 2"):
        training_images(images, kept[:2])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_mask_comes_back_from_png_with_the_same_dtype_and_values(dtype):
    top = np.iinfo(dtype).max
    mask = np.random.default_rng(3).integers(0, top, (37, 53), dtype, endpoint=True)
    mask[0, :3] = 0, 255, top
    again = from_png(to_png(mask))
    assert again.dtype == dtype
    assert np.array_equal(again, mask)
    assert np.array_equal(from_png(to_png(mask.T)), mask.T)  # not contiguous


def test_other_programs_read_the_png_as_indices_with_the_voc_colours():
    mask = np.array([[0, 1, 15, 255]], np.uint8)
    with Image.open(io.BytesIO(to_png(mask))) as picture:
        assert picture.mode == "P"
        assert np.array_equal(np.asarray(picture), mask)
        # The development kit's colours of background, aeroplane, person and void.
        assert np.asarray(picture.convert("RGB")).tolist() == [
            [[0, 0, 0], [128, 0, 0], [192, 128, 128], [224, 224, 192]]
        ]
    with Image.open(io.BytesIO(to_png(mask.astype(np.uint16) * 257))) as picture:
        assert picture.mode.startswith("I")
        assert np.asarray(picture).tolist() == [[0, 257, 15 * 257, 65535]]


def test_no_two_indices_share_a_colour():
    assert len({tuple(colour) for colour in voc_palette().tolist()}) == 256


def test_what_is_no_index_mask_is_refused():
    with pytest.raises(SettingsError, match="int64"):
        to_png(np.zeros((2, 2), np.int64))
    with pytest.raises(SettingsError, match=r"\(2, 2, 3\)"):
        to_png(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ImageError):
        from_png(b"no picture")
    with pytest.raises(ImageError):
        from_png(to_png(np.arange(10000, dtype=np.uint16).reshape(100, 100))[:-40])
    colours = io.BytesIO()
    Image.new("RGB", (2, 2)).save(colours, "PNG")
    with pytest.raises(ImageError, match="mode RGB has colours"):
        from_png(colours.getvalue())
