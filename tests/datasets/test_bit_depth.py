"""10 and 12 bits in 16 are stretched, by what the file declares or its values show; 16 bits are 16 bits."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets.bit_depth import depth
from comus_core.datasets.decoding import decode
from tests.datasets.broken_files import png_chunk

NOTE = "{}-bit values in a 16-bit file were scaled to 0-255"


def png(values: np.ndarray, significant: int | None = None) -> bytes:
    """A 16-bit PNG of (H, W) or (H, W, 3) values, with sBIT where a depth is declared."""
    height, width = values.shape[:2]
    colour = values.ndim == 3
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if colour else 0, 0, 0, 0))]
    if significant:
        parts.append(png_chunk(b"sBIT", bytes([significant] * (3 if colour else 1))))
    parts += [png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def stretched(values: np.ndarray, bits: int) -> np.ndarray:
    found = np.rint(values.astype(np.float64) / (2**bits - 1) * 255).astype(np.uint8)
    return found if found.ndim == 3 else np.repeat(found[:, :, None], 3, axis=2)


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 3)])
@pytest.mark.parametrize(("highest", "declared", "bits"), [(4095, None, 12), (900, None, 10), (900, 12, 12)])
def test_few_bits_in_16_fill_8(tmp_path, shape, highest, declared, bits):
    values = np.random.default_rng(0).integers(0, highest + 1, shape)
    values.flat[0] = highest
    (tmp_path / "x.png").write_bytes(png(values, declared))
    found = decode(tmp_path / "x.png")
    np.testing.assert_array_equal(found.pixels, stretched(values, bits))
    assert found.notes == (NOTE.format(bits),)


@pytest.mark.parametrize("declared", [None, 12, 14])
def test_what_fills_16_bits_stays_although_fewer_are_declared(tmp_path, declared):
    """A PNG's sBIT tells how many bits are significant; its values are meant to be scaled up to 16 already."""
    grey = np.random.default_rng(1).integers(0, 65536, (30, 40))
    (tmp_path / "x.png").write_bytes(png(grey, declared))
    found = decode(tmp_path / "x.png")
    np.testing.assert_array_equal(found.pixels, stretched(grey, 16))
    assert found.notes == ()
    colour = np.random.default_rng(1).integers(0, 65536, (30, 40, 3))
    (tmp_path / "y.png").write_bytes(png(colour, declared))
    found = decode(tmp_path / "y.png")
    np.testing.assert_array_equal(found.pixels, colour >> 8)  # as Pillow does it
    assert found.notes == ()


def test_14_declared_bits_are_stretched_and_undeclared_ones_are_a_dark_picture(tmp_path):
    values = np.random.default_rng(2).integers(0, 2**14, (30, 40))
    (tmp_path / "told.png").write_bytes(png(values, 14))
    (tmp_path / "untold.png").write_bytes(png(values))
    np.testing.assert_array_equal(decode(tmp_path / "told.png").pixels, stretched(values, 14))
    np.testing.assert_array_equal(decode(tmp_path / "untold.png").pixels, stretched(values, 16))


@pytest.mark.parametrize("tags", [{}, {281: 4095}])
def test_a_tiff_of_12_bits_is_stretched(tmp_path, tags):
    values = np.random.default_rng(3).integers(0, 1000 if tags else 4096, (20, 30)).astype(np.uint16)
    values[0, 0] = 1000 if tags else 4095
    Image.fromarray(values).save(tmp_path / "x.tif", tiffinfo=tags)
    found = decode(tmp_path / "x.tif")
    np.testing.assert_array_equal(found.pixels, stretched(values, 12))
    assert found.notes == (NOTE.format(12),)


@pytest.mark.parametrize(
    ("highest", "declared", "bits"),
    [
        *((0, None, 16), (1, None, 8), (255, None, 8), (256, None, 10), (1023, None, 10), (1024, None, 12)),
        *((4095, None, 12), (4096, None, 16), (4096, 12, 16), (4095, 14, 14), (65535, 16, 16)),
    ],
)
def test_the_rule(highest, declared, bits):
    assert depth(highest, declared) == bits


def test_a_fraction_of_a_deep_picture_is_the_mean_of_what_is_stretched(tmp_path):
    values = np.random.default_rng(4).integers(0, 4096, (40, 60, 3))
    (tmp_path / "x.png").write_bytes(png(values))
    whole = stretched(values, 12).astype(np.float64).reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    found = decode(tmp_path / "x.png", at_least=20)
    assert found.pixels.shape == (20, 30, 3) and np.abs(found.pixels - whole).max() <= 0.5
