"""Selection: every answer is checked against exact rational arithmetic or a closed form."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.errors import SettingsError
from comus_core.workspace.selection_shapes import (
    Gesture,
    gestures_from_text,
    gestures_to_text,
    points_in_polygon,
    select,
)


def inside_by_fractions(point, polygon) -> bool:
    """The even-odd rule one point and one edge at a time, without rounding: the x of each crossing, compared."""
    x, y = map(Fraction, map(float, point))
    corners = [tuple(map(Fraction, map(float, corner))) for corner in polygon]
    crossings = 0
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (ay <= y < by) or (by <= y < ay):
            crossings += ax + (y - ay) / (by - ay) * (bx - ax) > x
    return crossings % 2 == 1


small = st.integers(-4, 4).map(lambda k: k / 2)  # many points fall on corners and edges
wild = st.floats(allow_nan=False, allow_infinity=False)
narrow = st.floats(0.1, 0.1000000000001)  # cross products that float64 rounds away


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_point_and_polygon_agree_with_exact_fractions(data):
    number = data.draw(st.sampled_from([small, wild, narrow, st.floats(-10, 10, width=32)]))
    pair = st.tuples(number, number)
    polygon = data.draw(st.lists(pair, min_size=1, max_size=9))
    points = data.draw(st.lists(st.one_of(pair, st.sampled_from(polygon)), min_size=1, max_size=12))
    expected = [inside_by_fractions(point, polygon) for point in points]
    assert points_in_polygon(np.array(points, float), polygon).tolist() == expected


def test_a_wiggly_polygon_over_thousands_of_float32_points_agrees_with_exact_fractions():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3000, 2)).astype(np.float32)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    polygon = (rng.uniform(0.3, 2, 60) * [np.cos(angle), np.sin(angle)]).T
    expected = [inside_by_fractions(point, polygon) for point in points]
    assert 0.05 < np.mean(expected) < 0.95
    assert points_in_polygon(points, polygon).tolist() == expected


def test_a_box_holds_the_points_between_its_sides_and_not_its_upper_and_right_edge():
    points = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    box = [(1, 1), (4, 1), (4, 3), (1, 3)]
    expected = (points[:, 0] >= 1) & (points[:, 0] < 4) & (points[:, 1] >= 1) & (points[:, 1] < 3)
    assert points_in_polygon(points, box).tolist() == expected.tolist()


def test_the_middle_of_a_star_drawn_in_one_stroke_is_outside_by_the_even_odd_rule():
    angle = np.arange(5) * 2 * (2 * np.pi / 5) + np.pi / 2
    star = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert points_in_polygon([[0, 0], [0, 0.8]], star).tolist() == [False, True]


def test_tiles_that_share_edges_hold_every_point_exactly_once():
    rng = np.random.default_rng(1)
    points = rng.integers(0, 17, (2000, 2)) / 16  # many lie on the shared edges
    middle = (0.375, 0.5625)
    frame = [(0, 0), (1, 0), (1.1, 1.2), (0, 1.0625)]
    fan = [[frame[k], frame[(k + 1) % 4], middle] for k in range(4)]
    counted = sum(points_in_polygon(points, triangle).astype(int) for triangle in fan)
    assert counted.tolist() == points_in_polygon(points, frame).astype(int).tolist()
    assert counted.max() == 1


@pytest.mark.parametrize("where", [math.nan, math.inf, -math.inf])
def test_points_without_a_place_are_outside(where):
    square = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    assert points_in_polygon([[where, 0], [0, where], [0, 0]], square).tolist() == [False, False, True]


@pytest.mark.parametrize("polygon", [[], [(0, 0)], [(0, 0), (1, 1)], [(0, 0), (1, 0), (2, 0)]])
def test_a_polygon_without_area_holds_nothing(polygon):
    points = np.random.default_rng(2).uniform(-1, 2, (50, 2))
    assert not points_in_polygon(points, polygon).any()


@pytest.mark.parametrize(
    ("points", "polygon"),
    [
        (np.zeros(4), [(0, 0), (1, 0), (0, 1)]),
        (np.zeros((2, 2)), np.zeros((3, 3))),
        (np.zeros((1, 2)), [[math.nan, 0]]),
    ],
)
def test_arrays_of_another_shape_are_refused(points, polygon):
    with pytest.raises(SettingsError):
        points_in_polygon(points, polygon)


def test_a_million_points_and_two_hundred_corners():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(1_000_000, 2)).astype(np.float32)
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    polygon = (rng.uniform(1.5, 3, 200) * [np.cos(angle), np.sin(angle)]).T
    inside = points_in_polygon(points, polygon)
    rows = rng.integers(0, len(points), 300)
    assert inside[rows].tolist() == [inside_by_fractions(points[row], polygon) for row in rows]


def square(x, mode) -> Gesture:
    return Gesture(((x, 0.0), (x + 2, 0.0), (x + 2, 2.0), (x, 2.0)), mode)


def test_gestures_replace_add_and_subtract_in_the_order_drawn():
    points = np.array([[0.5, 1], [1.5, 1], [2.5, 1], [3.5, 1]])
    chosen = lambda *gestures: select(points, gestures).tolist()  # noqa: E731
    assert chosen() == [False] * 4
    assert chosen(square(0, "replace")) == [True, True, False, False]
    assert chosen(square(0, "replace"), square(1, "add")) == [True, True, True, False]
    assert chosen(square(0, "replace"), square(1, "subtract")) == [True, False, False, False]
    assert chosen(square(1, "subtract"), square(0, "add")) == [True, True, False, False]
    assert chosen(square(0, "add"), square(2, "replace")) == [False, False, True, True]


@given(
    st.lists(st.tuples(st.lists(st.tuples(wild, wild), min_size=3, max_size=6), st.sampled_from(["replace", "add"])))
)
def test_gestures_come_back_from_their_text_unchanged(drawn):
    gestures = tuple(Gesture(tuple(polygon), mode) for polygon, mode in drawn)
    assert gestures_from_text(gestures_to_text(gestures)) == gestures


@pytest.mark.parametrize(
    "text",
    ["", "7", "[7]", '[{"mode":"add"}]', '[{"polygon":[[0,0],[1,1]]}]', '[{"polygon":[[0,0],[1,1],[1,null]]}]',
     '[{"polygon":[[0,0],[1,1],[1,0]],"mode":"xor"}]', '[{"polygon":[[0,0],[1,1],[1,NaN]]}]'],
)  # fmt: skip
def test_a_selection_that_cannot_be_read_is_a_settings_error(text):
    with pytest.raises(SettingsError):
        gestures_from_text(text)


def test_selection_imports_without_torch_or_streamlit():
    heavy = "{'torch', 'streamlit', 'sklearn', 'timm'}"
    code = f"import comus_core.workspace.selection_shapes, sys; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
