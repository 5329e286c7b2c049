"""Photographs and masks are turned by one table; the oracle is Pillow."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps

from comus_core.datasets import decoding, exif_turns, orientation
from comus_core.datasets.exif_turns import SIDEWAYS, upright

TAG = 0x0112


def turned_by_pillow(pixels, value):
    file, image = io.BytesIO(), Image.fromarray(pixels)
    exif = Image.Exif()
    exif[TAG] = value
    image.save(file, "PNG", exif=exif)
    return np.array(ImageOps.exif_transpose(Image.open(file)))


@pytest.mark.parametrize("value", range(1, 9))
@given(stored=arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_a_mask_is_turned_as_pillow_turns_it(value, stored):
    found = upright(stored, value)
    np.testing.assert_array_equal(found, turned_by_pillow(stored, value))
    assert found.flags.c_contiguous and found.dtype == np.uint8
    assert (found.shape == stored.shape[::-1]) or value not in SIDEWAYS


@pytest.mark.parametrize("value", range(1, 9))
def test_a_photograph_and_its_mask_of_16_bits_are_turned_alike(value):
    stored = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    np.testing.assert_array_equal(upright(stored, value), turned_by_pillow(stored, value))
    deep = stored[..., 0].astype(np.uint16) * 257
    np.testing.assert_array_equal(upright(deep, value), upright(stored, value)[..., 0].astype(np.uint16) * 257)


@pytest.mark.parametrize("value", [-1, 0, 9, 274])
def test_a_value_that_there_is_not_turns_nothing(value):
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert upright(stored, value) is stored and value not in SIDEWAYS


def test_there_is_one_table():
    assert decoding.upright is upright and orientation.exif_turns is exif_turns
    assert not hasattr(decoding, "_upright") and not hasattr(orientation, "_TURNS")
