import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from comus_core.proposals import resizing
from comus_core.proposals.resizing import bilinear_bands, resize_bilinear, resize_nearest

SIZES = [
    ((7, 5), (20, 31)),
    ((20, 31), (7, 5)),
    ((1, 1), (4, 3)),
    ((1, 6), (5, 6)),
    ((13, 2), (13, 9)),
    ((8, 8), (8, 8)),
]


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_bilinear_resizing_agrees_with_torch(small, large):
    array = np.random.default_rng(0).random(small, np.float32)
    expected = F.interpolate(torch.from_numpy(array)[None, None], large, mode="bilinear", align_corners=False)[0, 0]
    assert np.allclose(resize_bilinear(array, large), expected.numpy(), atol=1e-6)


def test_bilinear_resizing_treats_channels_alike():
    image = np.random.default_rng(1).integers(0, 256, (9, 6, 3)).astype(np.uint8)
    resized = resize_bilinear(image, (17, 4))
    for channel in range(3):
        assert np.array_equal(resized[..., channel], resize_bilinear(image[..., channel], (17, 4)))


@pytest.mark.parametrize("level", [1 / 255, 0.3, 128 / 255, 1.0])
def test_a_constant_map_stays_exactly_constant(level):
    resized = resize_bilinear(np.full((32, 32), level, np.float32), (333, 500))
    assert (resized == np.float32(level)).all()


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_nearest_resizing_takes_the_pixel_under_the_centre(small, large):
    array = np.arange(small[0] * small[1]).reshape(small)
    resized = resize_nearest(array, large)
    for y in range(large[0]):
        for x in range(large[1]):
            centre_y, centre_x = (y + 0.5) * small[0] / large[0], (x + 0.5) * small[1] / large[1]
            assert resized[y, x] == array[int(centre_y), int(centre_x)]


def test_nearest_resizing_agrees_with_pillow_on_a_photograph_sized_mask():
    mask = np.random.default_rng(2).random((251, 253)) > 0.5
    size = 367, 499  # coprime: no centre falls on the border of two pixels, where Pillow's floats may fall either way
    pillow = Image.fromarray(mask.astype(np.uint8)).resize(size[::-1], Image.Resampling.NEAREST)
    assert np.array_equal(resize_nearest(mask, size), np.asarray(pillow).astype(bool))


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_bands_are_the_whole_to_the_bit(small, large, monkeypatch):
    array = np.random.default_rng(3).random(small, np.float32)
    whole = resize_bilinear(array, large)
    monkeypatch.setattr(resizing, "BAND_PIXELS", 2 * large[1])
    bands = list(bilinear_bands(array, large))
    assert len(bands) == -(-large[0] // 2) and all(len(part) <= 2 for _, part in bands)
    assert np.array_equal(np.concatenate([part for _, part in bands]), whole)
    assert np.array_equal(resize_bilinear(array, large), whole)
