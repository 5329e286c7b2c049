"""Outlines of the demo scenes: curves, the pose of an object in the image, and its coverage of each pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points: TypeAlias = Sequence[tuple[float, float]]  # in the object's own square, x right and y down, about -1 to 1
Coverage: TypeAlias = NDArray[np.float64]  # (H, W), 0-1
Box: TypeAlias = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, end exclusive

_OVERSAMPLING = 4


@dataclass(frozen=True)
class Pose:
    """The pose of an object's square in the image: its matrix in pixels and its centre (x, y)."""

    matrix: tuple[float, float, float, float]
    centre: tuple[float, float]

    def place(self, points: Points) -> list[tuple[float, float]]:
        """Pixel coordinates of points of the object's square."""
        a, b, c, d = self.matrix
        cx, cy = self.centre
        return [(a * x + b * y + cx, c * x + d * y + cy) for x, y in points]

    @property
    def scale(self) -> float:
        """Pixels per unit of the object's square, averaged over directions."""
        a, b, c, d = self.matrix
        return math.sqrt(abs(a * d - b * c))


def smooth(points: Points, steps: int = 10) -> list[tuple[float, float]]:
    """A closed Catmull-Rom curve through the points."""
    n, curve = len(points), []
    for i in range(n):
        p0, p1, p2, p3 = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            curve.append((_catmull(p0[0], p1[0], p2[0], p3[0], t), _catmull(p0[1], p1[1], p2[1], p3[1], t)))
    return curve


def _catmull(p0: float, p1: float, p2: float, p3: float, t: float) -> float:
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t + (3 * (p1 - p2) + p3 - p0) * t**3)


def ellipse(
    cx: float, cy: float, rx: float, ry: float, turn: float = 0.0, start: float = 0.0, end: float = 2 * math.pi
) -> list[tuple[float, float]]:
    """An ellipse, or its arc from `start` to `end` (radians, clockwise on screen), turned about its centre."""
    angles = [start + (end - start) * i / 48 for i in range(49)]
    ct, st = math.cos(turn), math.sin(turn)
    arc = [(rx * math.cos(angle), ry * math.sin(angle)) for angle in angles]
    return [(cx + ct * x - st * y, cy + st * x + ct * y) for x, y in arc]


def mirrored(points: Points) -> list[tuple[float, float]]:
    """The points mirrored left to right."""
    return [(-x, y) for x, y in points]


def band(line: Points, width: float) -> list[tuple[float, float]]:
    """A line of a given width as an outline."""
    left, right = [], []
    for i, (x, y) in enumerate(line):
        (x0, y0), (x1, y1) = line[max(i - 1, 0)], line[min(i + 1, len(line) - 1)]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        nx, ny = -(y1 - y0) / length * width / 2, (x1 - x0) / length * width / 2
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def coverage(outline: Points, box: Box) -> Coverage:
    """How much of each pixel of `box` an outline, given in pixels, covers."""
    x0, y0, x1, y1 = box
    s = _OVERSAMPLING
    canvas = Image.new("L", ((x1 - x0) * s, (y1 - y0) * s))
    corners = [(round((x - x0) * s), round((y - y0) * s)) for x, y in outline]
    ImageDraw.Draw(canvas).polygon(corners, fill=255)
    return np.asarray(canvas.reduce(s), dtype=np.float64) / 255
