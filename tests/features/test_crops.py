import numpy as np
import pytest
from PIL import Image

from comus_core.errors import ImageError
from comus_core.features import crops
from comus_core.features.crops import crop_box, enlarged_box, preprocess, resized
from comus_core.features.encoders import ENCODERS
from comus_core.proposals.table import tight_box

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def numbered():
    """8 x 10 pixels, each of its own colour."""
    rows, columns = np.mgrid[:8, :10]
    return np.stack([rows, columns, 10 * rows + columns], axis=2).astype(np.uint8)


def test_the_crop_of_an_l_shaped_mask_is_its_tight_box_with_the_background_visible(numbered):
    mask = np.zeros((8, 10), bool)
    mask[2:7, 3] = mask[6, 3:8] = True
    crop = crop_box(numbered, tight_box(mask))
    assert crop.shape == (5, 5, 3)
    for row in range(5):
        for column in range(5):
            assert crop[row, column].tolist() == [2 + row, 3 + column, 10 * (2 + row) + 3 + column]


@pytest.mark.parametrize(("rows", "columns", "size"), [((0, 8), (9, 10), (8, 1)), ((7, 8), (2, 6), (1, 4))])
def test_a_mask_one_pixel_wide_at_the_right_or_bottom_border_gives_a_crop_that_wide(numbered, rows, columns, size):
    mask = np.zeros((8, 10), bool)
    mask[rows[0] : rows[1], columns[0] : columns[1]] = True
    crop = crop_box(numbered, tight_box(mask))
    assert crop.shape[:2] == size
    assert crop[-1, -1].tolist() == numbered[rows[1] - 1, columns[1] - 1].tolist()


@pytest.mark.parametrize("box", [(3, 2, 3, 5), (0, 0, 11, 8), (0, 0, 10, 9), (-1, 0, 4, 4)])
def test_a_box_that_is_empty_or_leaves_the_image_is_refused(numbered, box):
    with pytest.raises(ImageError, match="10 x 8"):
        crop_box(numbered, box)


def test_what_is_around_a_box_is_half_a_share_of_its_sides_more_at_each_end():
    assert enlarged_box((40, 50, 60, 60), 1.0, (200, 300)) == [30, 45, 70, 65]
    assert enlarged_box((40, 50, 60, 60), 1.25, (200, 300)) == [27, 43, 73, 67]  # every pixel that it touches
    assert enlarged_box((40, 50, 60, 60), 0.0, (200, 300)) == [40, 50, 60, 60]


def test_what_is_around_a_box_ends_with_the_image():
    assert enlarged_box((40, 50, 60, 60), 100.0, (200, 300)) == [0, 0, 300, 200]
    assert enlarged_box((0, 190, 20, 200), 1.0, (200, 300)) == [0, 185, 30, 200]


def test_a_crop_is_a_copy(numbered):
    crop_box(numbered, (0, 0, 2, 2))[:] = 255
    assert numbered[0, 0].tolist() == [0, 0, 0]


def test_three_colours_become_the_numbers_worked_out_by_hand():
    red, green, blue = (255, 0, 0), (0, 255, 0), (51, 102, 204)
    crop = np.array([[red, green, blue]], np.uint8)
    # One row of three pixels squashed to 6 x 6: output column j looks at input column (j + 1/2) / 2 - 1/2,
    # so columns 0 and 5 lie outside and repeat the border, the others mix neighbours 1/4 to 3/4.
    inputs = np.array([red, green, blue], float) / 255
    weights = np.array([[1, 0, 0], [0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.75, 0.25], [0, 0.25, 0.75], [0, 0, 1]])
    found = preprocess(crop, 6, MEAN, STD)
    assert found.shape == (3, 6, 6) and found.dtype == np.float32
    for channel in range(3):
        row = (weights @ inputs[:, channel] - MEAN[channel]) / STD[channel]
        np.testing.assert_allclose(found[channel], np.tile(row, (6, 1)), atol=1e-6)
    # (1 - 0.485) / 0.229 and so on: red's own pixel, channel by channel; swapping red and blue would fail here.
    np.testing.assert_allclose(found[:, 0, 0], [2.2489083, -2.0357143, -1.8044444], atol=1e-6)


def test_a_large_crop_is_not_antialiased_each_output_looks_at_two_pixels_a_side():
    stripes = np.zeros((4, 512, 3), np.uint8)
    stripes[:, ::8] = 255  # eight pixels a stripe: shrunk fourfold, each output lies between two pixels of the input
    found = preprocess(stripes, 128, (0, 0, 0), (1, 1, 1))[0, 0]
    looked_at = 4 * np.arange(128) + 1  # (j + 1/2) * 4 - 1/2 lies midway between pixels 4 j + 1 and 4 j + 2
    expected = (stripes[0, looked_at, 0] / 255 + stripes[0, looked_at + 1, 0] / 255) / 2
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_antialiased_resize_of_whole_images_agrees_with_pillow():
    image = np.random.default_rng(0).integers(0, 256, (300, 170, 3), np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((64, 96), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    found = resized(image, (96, 64), (0, 0, 0), (1, 1, 1), antialias=True)
    assert np.abs(255 * found - expected).max() <= 1.01  # Pillow rounds to whole numbers after each axis
    plain = resized(image, (96, 64), (0, 0, 0), (1, 1, 1), antialias=False)
    assert np.abs(255 * plain - expected).max() > 50


def test_each_encoder_is_given_its_own_size_and_normalisation():
    facts = {n: (s.crop_size, s.mean, s.std, s.dim) for n, s in ENCODERS.items() if not s.path_kind}
    assert facts == {
        "dinov2-vits14": (224, MEAN, STD, 384),
        "dinov2-vitb14": (224, MEAN, STD, 768),
        "dino-vits8": (256, MEAN, STD, 384),
        "dino-vits16": (256, MEAN, STD, 384),
        "dino-vitb8": (256, MEAN, STD, 768),
        "dino-vitb16": (256, MEAN, STD, 768),
        "efficientnet-lite0": (224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 1280),
    }


def test_a_large_crop_is_squashed_by_the_same_rule_without_being_held_as_floats(monkeypatch):
    image = np.random.default_rng(5).integers(0, 256, (301, 407, 3)).astype(np.uint8)
    small = resized(image, (64, 64), MEAN, STD)
    monkeypatch.setattr(crops, "LARGE", 301 * 407 - 1)
    monkeypatch.setattr("torch.nn.functional.interpolate", None)
    assert np.abs(resized(image, (64, 64), MEAN, STD) - small).max() < 1e-5
