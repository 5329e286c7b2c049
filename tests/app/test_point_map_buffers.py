"""The bytes of the two routes, read back by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from app.data.point_buffers import pack_colours, pack_points


def test_points_are_a_mark_a_count_and_little_endian_floats_in_turn():
    body = pack_points(np.array([[1.5, -2.0], [0.25, 1e6]]))
    assert struct.unpack("<4sI4f", body) == (b"CMXY", 2, 1.5, -2.0, 0.25, 1e6)


def test_points_are_the_same_bytes_whatever_the_layout_in_memory():
    xy = np.arange(20, dtype=np.float64).reshape(10, 2)
    assert pack_points(np.asfortranarray(xy)) == pack_points(xy.astype(">f4")) == pack_points(xy)


def test_colours_are_a_mark_a_count_and_uint16_with_65535_for_no_category():
    body = pack_colours(np.array([0, -1, 65534, 7], np.int32))
    assert struct.unpack("<4sI4H", body) == (b"CMCI", 4, 0, 65535, 65534, 7)


def test_no_points_are_a_header_alone():
    assert pack_points(np.zeros((0, 2))) == b"CMXY\0\0\0\0"
    assert pack_colours([]) == b"CMCI\0\0\0\0"


@pytest.mark.parametrize("points", [np.zeros(4), np.zeros((2, 3)), np.zeros((1, 2, 2))])
def test_points_of_another_shape_are_refused(points):
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        pack_points(points)


@pytest.mark.parametrize("categories", [np.zeros((2, 2), int), np.array([0.5]), np.array([65535])])
def test_categories_that_do_not_fit_are_refused(categories):
    with pytest.raises(ValueError, match="the map"):
        pack_colours(categories)
