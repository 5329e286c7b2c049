"""The brush of the demo scenes: one outline filled, patterned and softly lit.

Only integer image operations of Pillow and elementwise arithmetic of NumPy touch pixels, so that the same versions
give the same bytes on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from comus_core.datasets.demo.patterns import Colour, Pattern, Pixels, Plane, blurred, fill
from comus_core.datasets.demo.shapes import Box, Coverage, Points, Pose, coverage


@dataclass(frozen=True)
class Part:
    """One outline with its fill.

    Attributes:
        outline: corners of a polygon.
        colour: the fill.
        relief: 0 flat to 1 strongly rounded.
        pattern: on the fill.
    """

    outline: Points
    colour: Colour
    relief: float = 0.6
    pattern: Pattern = field(default_factory=Pattern)


@dataclass(frozen=True)
class Light:
    """The direction of the light (a unit vector in the image, pointing to it), and strength of relief and shadow."""

    direction: tuple[float, float]
    strength: float
    shadow: float


def paint(pixels: Pixels, part: Part, pose: Pose, light: Light, rng: np.random.Generator) -> Coverage:
    """Paint a part onto `pixels` in place; its coverage of the whole image."""
    height, width = pixels.shape[:2]
    outline = pose.place(part.outline)
    box = _box(outline, width, height)
    x0, y0, x1, y1 = box
    image_coverage = np.zeros((height, width))
    if x1 <= x0 or y1 <= y0:
        return image_coverage
    alpha = coverage(outline, box)
    lit = fill(part.colour, part.pattern, pose, box, rng) * _relief(alpha, part.relief, pose.scale, light)[..., None]
    window = pixels[y0:y1, x0:x1]
    window += (np.clip(lit, 0, 255) - window) * alpha[..., None]
    image_coverage[y0:y1, x0:x1] = alpha
    return image_coverage


def _box(outline: Points, width: int, height: int) -> Box:
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    low_x, low_y = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
    return low_x, low_y, min(width, math.ceil(max(xs)) + 2), min(height, math.ceil(max(ys)) + 2)


def _relief(alpha: Coverage, relief: float, scale: float, light: Light) -> Plane:
    """A factor around 1 that makes a part look rounded: its blurred outline is a hill under slanting light."""
    hill = blurred(alpha, max(1.2, 0.11 * scale)) * 0.6 + blurred(alpha, max(0.8, 0.035 * scale)) * 0.4
    slope_y, slope_x = np.gradient(hill) if min(hill.shape) > 1 else (np.zeros_like(hill),) * 2
    facing = -(slope_x * light.direction[0] + slope_y * light.direction[1]) * scale
    factor: Plane = 1 + light.strength * relief * (np.clip(facing * 0.35, -0.55, 0.45) + 0.25 * (hill - 0.75))
    return factor
