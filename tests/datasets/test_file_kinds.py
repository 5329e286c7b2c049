"""What is an image is told by content; what is none is counted; what needs a package says which."""

import base64
import shutil
import sys
import types
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets import decoder_plugins
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.decoding import decode, read_rgb, size_hw
from comus_core.datasets.ignored_files import merge_ignored, not_images
from comus_core.datasets.records import IgnoredFiles
from comus_core.datasets.truth_check import check_images
from comus_core.errors import ImageError
from comus_core.files.file_kinds import looks_like_image
from tests.datasets.broken_files import encoded, picture

# Left half (200, 40, 30), right half (20, 60, 190), 64 x 48 pixels: by pillow-heif at quality 50, by libjxl at 80.
HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABoQABAAAAAAAAAEsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Wlw"
    "cnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA"
    "QAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAf////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWB"
    "AgMFhAAAAFNtZGF0AAAARygBrxOA9SeBP//aBR//AJnh96AcxP/63syP5pLn/5Sm3bgMNhQgjfp+fxW7NvoCpgSidmK3HMTFp+4vTu5da5Ho"
    "cYY4jZrg"
)
JXL = b"\xff\x0a" + bytes(40)
LEFT, RIGHT = (200, 40, 30), (20, 60, 190)


def two_tone() -> Image.Image:
    pixels = np.empty((48, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = LEFT, RIGHT
    return Image.fromarray(pixels)


@pytest.fixture
def phone(tmp_path):
    """Files as phones and downloads name them, beside some that are no images."""
    folder = tmp_path / "phone"
    folder.mkdir()
    jpeg = encoded(two_tone(), "JPEG", quality=95)
    for name in ("1.jfif", "2.jpe", "3", "4.jpg_large", "IMG_5.2024"):
        (folder / name).write_bytes(jpeg)
    (folder / "6.HEIC").write_bytes(base64.b64decode(HEIC))
    (folder / "heif without suffix").write_bytes(base64.b64decode(HEIC))
    for name, kind in (("7.avif", "AVIF"), ("8.jp2", "JPEG2000"), ("9.ppm", "PPM"), ("ppm", "PPM"), ("bmp", "BMP")):
        (folder / name).write_bytes(encoded(two_tone(), kind))
    (folder / "10.jxl").write_bytes(JXL)
    (folder / "11.DNG").write_bytes(b"II*\0" + bytes(400))
    others = {"a.txt": b"BM and P6 are words", "b.mov": b"\0\0\0\x14ftypqt  ", "Makefile": b"BM: x\n", "empty": b""}
    for name, content in others.items():
        (folder / name).write_bytes(content)
    return folder


def test_every_picture_is_found_read_or_set_aside_with_what_to_install(phone, monkeypatch):
    without(monkeypatch, "pillow_jxl", "rawpy")
    dataset = open_dataset(str(phone), phone)
    assert dataset.ignored == not_images(4)
    rows = {row["image_id"]: row for row in check_images(dataset.files).to_pylist()}
    assert len(rows) + 4 == len(list(phone.iterdir()))
    reasons = {name: row["reason"] for name, row in rows.items() if row["reason"]}
    assert set(reasons) == {"10.jxl", "11.DNG"}
    assert "pip install pillow-jxl-plugin" in reasons["10.jxl"] and "pip install rawpy" in reasons["11.DNG"]
    for name in set(rows) - set(reasons):
        pixels = read_rgb(phone / name).astype(int)
        assert pixels.shape == (48, 64, 3) and size_hw(phone / name) == (48, 64), name
        assert np.abs(pixels[4:-4, 4:28] - LEFT).max() < 16 and np.abs(pixels[4:-4, 36:-4] - RIGHT).max() < 16, name


def test_without_its_package_a_heic_says_which_and_with_it_damaged_is_damaged(tmp_path, monkeypatch):
    (tmp_path / "x.heic").write_bytes(base64.b64decode(HEIC))
    (tmp_path / "cut.heic").write_bytes(base64.b64decode(HEIC)[:300])
    with pytest.raises(ImageError, match="damaged or truncated"):
        read_rgb(tmp_path / "cut.heic")
    without(monkeypatch, "pi_heif", "pillow_heif")
    monkeypatch.delitem(Image.OPEN, "HEIF")
    with pytest.raises(ImageError, match="a HEIC or HEIF image: `pip install pi-heif`"):
        read_rgb(tmp_path / "x.heic")


def test_a_raw_photograph_is_developed_where_rawpy_is_installed(tmp_path, monkeypatch):
    developed = np.asarray(picture(1, 40, 30))

    class Raw:
        sizes = types.SimpleNamespace(iwidth=30, iheight=40, flip=5)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def postprocess(self, use_camera_wb):
            return developed

    monkeypatch.setitem(sys.modules, "rawpy", types.SimpleNamespace(imread=lambda name: Raw()))
    (tmp_path / "x.dng").write_bytes(b"II*\0" + bytes(400))
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.dng"), developed)
    assert size_hw(tmp_path / "x.dng") == (30, 40)


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}])
def test_the_small_picture_before_a_raw_photograph_is_not_taken_for_it(tmp_path, monkeypatch, tags):
    without(monkeypatch, "rawpy")
    path = tmp_path / "x.tif"
    two_tone().save(path, tiffinfo=tags)
    with pytest.raises(ImageError, match="camera raw file"):
        read_rgb(path)


@pytest.mark.parametrize("head", [b"\0\0\0\x18ftypcrx isom", b"II*\0\x10\0\0\0CR\2\0", b"FUJIFILMCCD-RAW 0201"])
def test_a_raw_photograph_without_a_name_is_known_by_its_first_bytes(tmp_path, monkeypatch, head):
    without(monkeypatch, "rawpy")
    (tmp_path / "x").write_bytes(head + bytes(100))
    (file,) = open_dataset(str(tmp_path), tmp_path).files
    with pytest.raises(ImageError, match=r"a camera raw file \(raw\): `pip install rawpy`"):
        read_rgb(file.path)


def test_a_picture_of_a_kind_that_nobody_reads_is_listed_with_its_kind(tmp_path):
    (tmp_path / "x.tga").write_bytes(b"\0\0\2" + bytes(50))
    (row,) = check_images(open_dataset(str(tmp_path), tmp_path).files).to_pylist()
    assert row["reason"] == "an image of an unsupported format (TGA): save it as PNG"


def test_a_jpeg_called_dng_is_a_jpeg(tmp_path):
    (tmp_path / "x.dng").write_bytes(encoded(two_tone(), "JPEG"))
    assert read_rgb(tmp_path / "x.dng").shape == (48, 64, 3)


def test_only_names_that_say_nothing_are_looked_into(phone, monkeypatch):
    opened = []
    monkeypatch.setattr("comus_core.files.file_kinds.os.open", lambda path, flags: opened.append(path.name) or _raise())
    for path in phone.iterdir():
        with suppress(OSError):
            looks_like_image(path)
    unknown = {"3", "4.jpg_large", "IMG_5.2024", "heif without suffix", "ppm", "bmp", "Makefile", "empty"}
    assert set(opened) == unknown


def test_counts_of_several_folders_are_summed():
    hidden = IgnoredFiles("hidden", 1, (".a.jpg",))
    assert merge_ignored([*not_images(2), hidden, *not_images(3)]) == (*not_images(5), hidden)
    assert merge_ignored([hidden, IgnoredFiles("hidden", 2, (".b/",), counted=False)]) == (
        IgnoredFiles("hidden", 3, (".a.jpg", ".b/"), counted=False),
    )


def test_notes_reach_the_table(tmp_path):
    values = np.full((20, 20), 1000, np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png")
    shutil.copy(tmp_path / "x.png", tmp_path / "y.png")
    rows = check_images(open_dataset(str(tmp_path), tmp_path).files).to_pylist()
    assert [row["note"] for row in rows] == ["10-bit values in a 16-bit file were scaled to 0-255"] * 2
    assert decode(tmp_path / "x.png").pixels[0, 0].tolist() == [249] * 3  # 1000 / 1023 of 255 is 249.27


def without(monkeypatch, *names: str) -> None:
    """As if these packages were not installed."""
    decoder_plugins.formats.cache_clear()
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(decoder_plugins, "formats", decoder_plugins.formats.__wrapped__)


def _raise():
    raise OSError
