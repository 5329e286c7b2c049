"""Files that a decoder refuses although their picture is whole are read, with a note; all others are not."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from comus_core.datasets.decoding import decode, size_hw
from comus_core.errors import ImageError
from tests.datasets.broken_files import picture

MARK = "the end marker is missing, the image is complete"
TEXT = "unusually large metadata was not read"
KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "restarts each row": {"restart_marker_rows": 1},
    "full colour": {"subsampling": 0},
}


def jpeg(mode: str, seed: int = 0, **options) -> tuple[bytes, np.ndarray]:
    file = io.BytesIO()
    picture(seed, 50, 40).convert(mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue(), np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(tmp_path, mode, kind):
    path, noted = tmp_path / "x.jpg", 0
    for seed in range(4):
        content, expected = jpeg(mode, seed, **KINDS[kind])
        assert content.endswith(b"\xff\xd9")
        for cut in (1, 2):
            path.write_bytes(content[:-cut])
            found = decode(path)
            np.testing.assert_array_equal(found.pixels, expected)
            assert found.notes in ((MARK,), ())  # some files end on a byte at which Pillow itself is content
            noted += len(found.notes)
    assert noted


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_more_is_set_aside_or_whole_to_the_pixel(tmp_path, mode, kind):
    content, expected = jpeg(mode, **KINDS[kind])
    path, refused = tmp_path / "x.jpg", 0
    for cut in (*range(3, 40), 100, 300, 600, len(content) // 2):
        path.write_bytes(content[:-cut])
        try:
            pixels = decode(path).pixels
        except ImageError as error:
            assert "truncated: the file ends before the image does" in str(error)
            refused += 1
        else:  # nothing but filling was cut off
            np.testing.assert_array_equal(pixels, expected)
    assert refused >= 35


def test_a_jpeg_cut_between_two_scans_or_restarts_is_not_taken_for_whole(tmp_path):
    progressive, _ = jpeg("RGB", progressive=True)
    last_scan = progressive.rindex(b"\xff\xda")
    (tmp_path / "scan.jpg").write_bytes(progressive[: progressive.rindex(b"\xff\xc4", 0, last_scan)])
    restarts, _ = jpeg("RGB", restart_marker_rows=1)
    (tmp_path / "restart.jpg").write_bytes(restarts[: restarts.rindex(b"\xff\xd1")])
    for name in ("scan.jpg", "restart.jpg"):
        with pytest.raises(ImageError, match="truncated"):
            decode(tmp_path / name)


@pytest.mark.parametrize("where", ["itxt", "ztxt", "icc", "behind the pixels"])
def test_a_png_of_large_metadata_is_read(tmp_path, where):
    path, info, options = tmp_path / "x.png", PngImagePlugin.PngInfo(), {}
    if where == "itxt":
        info.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)
    elif where == "ztxt":
        info.add_text("history", "y" * 3_000_000, zip=True)
    elif where == "icc":
        options = {"icc_profile": bytes(3_000_000)}
    exif = Image.Exif()
    exif[0x0112] = 6  # still turned
    pixels = picture(3)
    pixels.save(path, pnginfo=info, exif=exif, **options)
    if where == "behind the pixels":
        text = io.BytesIO()
        more = PngImagePlugin.PngInfo()
        more.add_text("history", "z" * 3_000_000, zip=True)
        pixels.save(text, "PNG", pnginfo=more)
        chunk = text.getvalue()[text.getvalue().index(b"zTXt") - 4 : text.getvalue().index(b"IDAT") - 4]
        content = path.read_bytes()
        path.write_bytes(content[:-12] + chunk + content[-12:])
    found = decode(path)
    np.testing.assert_array_equal(found.pixels, np.rot90(np.asarray(pixels), -1))
    assert found.notes == (TEXT,) and size_hw(path) == (64, 48)
