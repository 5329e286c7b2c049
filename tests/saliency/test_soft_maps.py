import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from comus_core.errors import WorkspaceError
from comus_core.saliency.soft_maps import dequantise, from_png, quantise, to_png


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50))
def test_storing_a_soft_map_changes_no_value_by_more_than_half_a_step(values):
    soft = np.array([values], np.float32)
    assert np.abs(dequantise(quantise(soft)) - soft).max() <= 0.5 / 255 + 1e-7


@given(st.floats(0, 1, width=32))
def test_a_value_exceeds_one_half_before_storing_exactly_when_it_does_after(value):
    soft = np.array([[value]], np.float32)
    assert (dequantise(quantise(soft)) > 0.5).item() == (soft > 0.5).item()


def test_the_values_next_to_one_half_fall_on_their_own_side():
    half = np.float32(0.5)
    soft = np.array([[np.nextafter(half, np.float32(0)), half, np.nextafter(half, np.float32(1))]])
    assert quantise(soft).tolist() == [[127, 127, 128]]


def test_every_stored_value_survives_the_round_trip_through_floats():
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(quantise(dequantise(stored)), stored)


@pytest.mark.parametrize("fault", [-0.01, 1.01, np.nan, np.inf])
def test_a_map_outside_zero_to_one_is_an_error_and_not_clipped(fault):
    with pytest.raises(ValueError, match=r"between 0 and 1"):
        quantise(np.array([[0.5, fault]], np.float32))


def test_png_storage_is_lossless_and_any_viewer_reads_it_as_grey():
    stored = np.random.default_rng(0).integers(0, 256, (37, 53)).astype(np.uint8)
    png = to_png(stored)
    assert np.array_equal(from_png(png), stored)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG" and picture.mode == "L" and picture.size == (53, 37)


def test_the_same_map_gives_the_same_bytes():
    stored = np.random.default_rng(1).integers(0, 256, (64, 64)).astype(np.uint8)
    assert to_png(stored) == to_png(stored[:, ::-1][:, ::-1])


def test_damaged_bytes_are_reported_with_what_to_do():
    with pytest.raises(WorkspaceError, match="run again"):
        from_png(b"\x89PNG nothing")
