import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from comus_core.datasets.decoding import read_rgb, size_hw
from comus_core.errors import ImageError
from tests.datasets.broken_files import encoded, picture, png_claiming

# How the pixels of an upright picture are stored under each EXIF orientation (TIFF 6.0, tag 274): the inverse of the
# turn or flip that the tag asks for.
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_every_exif_orientation_is_applied_and_known_from_the_header(tmp_path, orientation, suffix):
    upright = np.asarray(picture(2, width=9, height=5))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"x.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    stored = np.ascontiguousarray(STORED[orientation](upright))
    Image.fromarray(stored).save(path, exif=exif, **options)
    np.testing.assert_array_equal(read_rgb(path), upright)
    assert size_hw(path) == (5, 9)


def test_a_picture_with_a_damaged_exif_block_is_read_as_it_is_stored(tmp_path):
    plain = encoded(picture(3), "JPEG")
    block = b"Exif\0\0MM\0*\xff\xff\xff\xff garbage"
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    (tmp_path / "plain.jpg").write_bytes(plain)
    (tmp_path / "damaged.jpg").write_bytes(plain[:2] + segment + plain[2:])
    np.testing.assert_array_equal(read_rgb(tmp_path / "damaged.jpg"), read_rgb(tmp_path / "plain.jpg"))
    assert size_hw(tmp_path / "damaged.jpg") == (48, 64)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 128, 65535]], np.uint16), [0, 0, 255]),  # 128 / 257 is just below one half
        (np.array([[0, 129, 65535]], np.uint16), [0, 1, 255]),
        (np.array([[-100, 0, 100]], np.int32), [0, 128, 255]),  # beyond 16 bits: stretched
        (np.array([[0, 65536, 131072]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 100.0, 255.0]], np.float32), [0, 100, 255]),
        (np.array([[0.0, 25700.0, 65535.0]], np.float32), [0, 100, 255]),
        (np.array([[np.nan, 0.2, 1.0]], np.float32), [0, 51, 255]),
        (np.array([[-5.0, -5.0, -5.0]], np.float32), [0, 0, 0]),
    ],
)
def test_deep_grey_is_scaled_by_the_stated_rule(tmp_path, values, expected):
    Image.fromarray(values).save(tmp_path / "deep.tif")
    np.testing.assert_array_equal(read_rgb(tmp_path / "deep.tif"), np.array([[[v] * 3 for v in expected]]))


def test_half_transparent_pixels_are_laid_over_white(tmp_path):
    Image.fromarray(np.array([[[0, 0, 0, 51], [200, 100, 0, 255]]], np.uint8)).save(tmp_path / "x.png")
    # 51 of 255 is one fifth of black: four fifths of white remain.
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.png"), [[[204, 204, 204], [200, 100, 0]]])


def test_a_cmyk_jpeg_as_photoshop_writes_it_is_not_inverted(tmp_path):
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[..., 1:3] = 255  # magenta and yellow: red
    Image.fromarray(inks, "CMYK").save(tmp_path / "ink.jpg", quality=95)
    assert np.abs(read_rgb(tmp_path / "ink.jpg").astype(int) - (255, 0, 0)).max() <= 3


def test_a_lab_tiff_becomes_rgb(tmp_path):
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    colour = Image.new("RGB", (6, 6), (180, 60, 40))
    ImageCms.profileToProfile(colour, srgb, lab, outputMode="LAB").save(tmp_path / "lab.tiff")
    assert np.abs(read_rgb(tmp_path / "lab.tiff").astype(int) - (180, 60, 40)).max() <= 3


def test_an_image_just_over_pillows_limit_is_refused_in_worker_threads_too(tmp_path):
    (tmp_path / "wide.png").write_bytes(png_claiming(12000, 8000))
    picture(1).save(tmp_path / "fine.png")

    def outcome(name: str) -> str:
        try:
            return str(read_rgb(tmp_path / name).shape)
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(outcome, ["wide.png", "fine.png"] * 40))
    assert set(outcomes[::2]) == {"too large: 12000 x 8000 = 96000000 pixels, the limit is 89478485; reduce its size"}
    assert set(outcomes[1::2]) == {"(48, 64, 3)"}


def test_the_limit_of_pixels_is_pillows_own_setting(tmp_path, monkeypatch):
    picture(1).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48)
    assert read_rgb(tmp_path / "x.png").shape == (48, 64, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 - 1)
    with pytest.raises(ImageError, match="3072 pixels, the limit is 3071"):
        read_rgb(tmp_path / "x.png")


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_no_cut_goes_unnoticed(tmp_path, kind, share):
    whole = encoded(picture(4), kind)
    (tmp_path / "x").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ImageError, match=r"truncated|cut off"):
        read_rgb(tmp_path / "x")


def test_a_folder_a_missing_file_and_a_link_to_itself_are_named_as_such(tmp_path):
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    for path, words in (
        (tmp_path, "a folder, not an image file"),
        (tmp_path / "gone.jpg", "no such file"),
        (tmp_path / "loop.jpg", "a link to itself"),
    ):
        with pytest.raises(ImageError, match=words):
            read_rgb(path)


def test_the_images_room_imports_no_torch():
    program = (
        "import sys, comus_core.datasets.dataset, comus_core.datasets.truth_check; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
