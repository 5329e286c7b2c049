import numpy as np
import pytest

from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.saliency.detectors import load_detector
from comus_core.saliency.preprocessing import normalise, resize_antialiased, resize_plain
from comus_core.saliency.soft_maps import quantise
from comus_core.saliency.thresholding import find_proposals
from comus_core.saliency.u2netp import _open

pytestmark = pytest.mark.thorough

SIZE = (240, 320)


def disc(colour=(200, 60, 30), centre=(110, 180), radius=60) -> tuple[np.ndarray, np.ndarray]:
    """A coloured disc on a softly lit wall, and its mask."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    wall = (90 + 40 * x / SIZE[1] + 20 * y / SIZE[0])[..., None] * np.array([0.9, 1.0, 1.1])
    mask = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    return np.where(mask[..., None], colour, wall).astype(np.uint8), mask


@pytest.fixture(scope="module")
def detector():
    return load_detector(SaliencySettings(detector="u2netp"))


@pytest.fixture(scope="module")
def eight():
    """Two discs, three constant walls, three fields of noise."""
    rng = np.random.default_rng(0)
    walls = [np.full((*SIZE, 3), level, np.uint8) for level in (0, 128, 255)]
    noise = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in ((375, 500), (256, 256))]
    noise.append(np.clip(rng.normal(128, 30, (*SIZE, 3)), 0, 255).astype(np.uint8))
    return [disc()[0], disc((30, 80, 220), (130, 120), 50)[0], *walls, *noise]


@pytest.fixture(scope="module")
def maps(detector, eight):
    return detector.soft_maps(eight, [str(i) for i in range(8)])


def test_a_map_is_320_pixels_a_side_within_zero_and_one(maps):
    for soft in maps:
        assert soft.shape == (320, 320) and soft.dtype == np.float32
        assert soft.min() >= 0 and soft.max() <= 1


def test_a_disc_on_a_wall_is_found(maps):
    _, mask = disc()
    found = find_proposals("disc", quantise(maps[0]), SIZE, SaliencySettings())
    assert len(found) == 1
    overlap = found.mask(0) & mask
    assert overlap.sum() / (found.mask(0) | mask).sum() > 0.9


def test_walls_and_noise_yield_no_proposal(eight, maps):
    for image, soft in zip(eight[2:], maps[2:], strict=True):
        assert len(find_proposals("x", quantise(soft), image.shape[:2], SaliencySettings())) == 0


def test_a_batch_of_eight_gives_the_same_bits_as_batches_of_one(detector, eight, maps):
    for i in (0, 1, 4, 7):
        assert np.array_equal(detector.soft_maps([eight[i]], [str(i)])[0], maps[i])


def test_the_weights_are_named_with_their_hash(detector):
    assert detector.weights_sha256 == {"u2netp": "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"}


@pytest.mark.parametrize("squash", [resize_antialiased, resize_plain])
def test_three_colours_become_the_numbers_computed_by_hand(squash):
    image = np.zeros((30, 90, 3), np.uint8)
    image[:, :30], image[:, 30:60], image[:, 60:] = (255, 0, 0), (0, 51, 0), (0, 0, 102)
    pixels = normalise(squash(image, 60))
    assert pixels.shape == (1, 3, 60, 60) and pixels.dtype == np.float32
    # (value / 255 − mean) / deviation, with mean .485 .456 .406 and deviation .229 .224 .225 for red, green, blue
    zero = -0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225
    assert pixels[0, :, 30, 10] == pytest.approx((0.515 / 0.229, zero[1], zero[2]), abs=1e-5)
    assert pixels[0, :, 30, 30] == pytest.approx((zero[0], (0.2 - 0.456) / 0.224, zero[2]), abs=1e-5)
    assert pixels[0, :, 30, 50] == pytest.approx((zero[0], zero[1], (0.4 - 0.406) / 0.225), abs=1e-5)


def test_a_dark_image_is_not_brightened_to_its_own_maximum():
    pixels = normalise(resize_antialiased(np.full((10, 10, 3), 51, np.uint8), 8))
    assert pixels[0, 0] == pytest.approx((0.2 - 0.485) / 0.229, abs=1e-5)


def test_smooth_squashing_averages_fine_stripes_and_plain_squashing_drops_them():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 255  # of every four pixels plain squashing to a quarter sees the two in the middle
    assert resize_plain(stripes, 16).max() == 0
    assert resize_antialiased(stripes, 16)[:, 2:-2].min() > 30


def test_a_file_that_is_no_model_is_reported_with_its_path_and_what_to_do(tmp_path):
    (tmp_path / "u2netp.onnx").write_bytes(b"not a model")
    with pytest.raises(WeightsError, match=r"u2netp\.onnx is not an ONNX model .*comus weights download u2netp"):
        _open(tmp_path / "u2netp.onnx", "cpu")
