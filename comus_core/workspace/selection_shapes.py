"""Selection of points on the map by polygons, which replace, add or subtract."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from comus_core.errors import SettingsError
from comus_core.settings import check_choice, require
from comus_core.types import FloatArray

Mode = Literal["replace", "add", "subtract"]

_ROUNDING = 16 * np.finfo(np.float64).eps  # bounds the relative error of one cross product
_UNDERFLOW = 1e-290  # below this a product may have lost its digits


@dataclass(frozen=True)
class Gesture:
    """One lasso or box: a polygon in map coordinates, and its effect on the selection.

    Attributes:
        polygon: m >= 3 corners (x, y), closed implicitly.
        mode: replace the selection, add to it or subtract from it.
    """

    polygon: tuple[tuple[float, float], ...]
    mode: Mode = "replace"

    def __post_init__(self) -> None:
        check_choice("selection mode", self.mode, Mode)
        require(len(self.polygon) >= 3, f"a selection polygon of {len(self.polygon)} corners: must have at least 3")
        finite = all(len(corner) == 2 and all(map(math.isfinite, corner)) for corner in self.polygon)
        require(finite, "a selection polygon: every corner must be two finite numbers")


def select(points: ArrayLike, gestures: Iterable[Gesture]) -> NDArray[np.bool_]:
    """The points selected by `gestures`, applied in the order drawn.

    `points` are (n, 2), in the same coordinates as the polygons; the answer is (n,) bool.
    """
    xy = _as_points(points)
    chosen = np.zeros(len(xy), bool)
    for gesture in gestures:
        inside = points_in_polygon(xy, gesture.polygon)
        chosen = {"replace": inside, "add": chosen | inside, "subtract": chosen & ~inside}[gesture.mode]
    return chosen


def points_in_polygon(points: ArrayLike, polygon: ArrayLike) -> NDArray[np.bool_]:
    """Which points are inside a polygon by the even-odd rule, decided exactly.

    A ray to the right of each point counts edges that rise or fall through its height (lower end included, upper
    end not); cases that float64 cannot decide are decided with fractions. The cost grows with the points at each
    edge's height, not with points times edges: a million points and 200 corners take well under a second.

    Args:
        points: (n, 2) x, y; NaN or infinite points are outside.
        polygon: (m, 2) corners, closed implicitly, self-intersection allowed; fewer than 3 contain nothing.

    Returns:
        (n,) bool.

    Raises:
        SettingsError: an array of another shape, or a corner that is not finite.
    """
    xy, corners = _as_points(points), np.asarray(polygon, np.float64)
    inside = np.zeros(len(xy), bool)
    if corners.size == 0:
        return inside
    require(corners.ndim == 2 and corners.shape[1] == 2, f"polygon of shape {corners.shape}: must be (m, 2) corners")
    require(bool(np.isfinite(corners).all()), "polygon: every corner must be finite")
    in_box = np.isfinite(xy).all(axis=1) & ((xy >= corners.min(axis=0)) & (xy <= corners.max(axis=0))).all(axis=1)
    rows = np.flatnonzero(in_box)
    rows = rows[np.argsort(xy[rows, 1], kind="stable")]
    inside[rows] = _odd_crossings(xy[rows].astype(np.float64), corners)
    return inside


def gestures_to_text(gestures: Iterable[Gesture]) -> str:
    """Gestures as compact JSON, short enough for an address or a database row."""
    return json.dumps([{"polygon": g.polygon, "mode": g.mode} for g in gestures], separators=(",", ":"))


def gestures_from_text(text: str) -> tuple[Gesture, ...]:
    """Gestures from `gestures_to_text`.

    Raises:
        SettingsError: invalid text.
    """
    try:
        return gestures_from_json(json.loads(text))
    except ValueError as error:
        raise SettingsError(f"selection '{text[:60]}': {error}; draw it on the map again") from None


def gestures_from_json(values: Any) -> tuple[Gesture, ...]:
    """Gestures from plain JSON values, `[{"polygon": [[x, y], ...], "mode": ...}, ...]`, checked.

    Raises:
        SettingsError: another structure, an unknown mode, or a polygon without three finite corners.
    """
    try:
        return tuple(
            Gesture(tuple((float(x), float(y)) for x, y in value["polygon"]), value.get("mode", "replace"))
            for value in values
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        modes = ", ".join(get_args(Mode))
        raise SettingsError(f"selection: {error}; expected polygons of [x, y] with a mode of {modes}") from None


def _as_points(points: ArrayLike) -> FloatArray:
    xy = np.asarray(points)
    require(xy.ndim == 2 and xy.shape[1] == 2, f"points of shape {xy.shape}: must be (n, 2) x, y")
    return xy


def _odd_crossings(points: FloatArray, corners: FloatArray) -> NDArray[np.bool_]:
    """Parity of the edges right of each point; `points` (n, 2) float64 are sorted by y."""
    odd = np.zeros(len(points), bool)
    ends = np.roll(corners, -1, axis=0)
    rising = corners[:, 1] < ends[:, 1]
    low, high = np.where(rising[:, None], (corners, ends), (ends, corners))
    first = np.searchsorted(points[:, 1], low[:, 1])
    last = np.searchsorted(points[:, 1], high[:, 1])
    for edge in np.flatnonzero(first < last):
        span = slice(first[edge], last[edge])
        odd[span] ^= _left_of(points[span], low[edge], high[edge])
    return odd


def _left_of(points: FloatArray, low: FloatArray, high: FloatArray) -> NDArray[np.bool_]:
    """Which points are strictly left of the rising line from `low` to `high`."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        right = (high[0] - low[0]) * (points[:, 1] - low[1])
        left = (points[:, 0] - low[0]) * (high[1] - low[1])
        cross = right - left
        certain = np.abs(cross) > _ROUNDING * (np.abs(right) + np.abs(left)) + _UNDERFLOW
    answer: NDArray[np.bool_] = cross > 0
    for row in np.flatnonzero(~certain):
        x, y, x0, y0, x1, y1 = (Fraction(float(v)) for v in (*points[row], *low, *high))
        answer[row] = (x1 - x0) * (y - y0) > (x - x0) * (y1 - y0)
    return answer
