"""Colours, noise and patterned fills of the demo scenes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from comus_core.datasets.demo.shapes import Box, Pose

Colour: TypeAlias = tuple[float, float, float]  # RGB, 0-255
Pixels: TypeAlias = NDArray[np.float64]  # (H, W, 3), 0-255
Plane: TypeAlias = NDArray[np.float64]  # (H, W), 0-1
PatternKind = Literal["plain", "stripes", "dots", "checks", "speckle", "grain"]


@dataclass(frozen=True)
class Pattern:
    """The pattern on a part: `second` over the part's colour; `size` and `angle` are in the object's square."""

    kind: PatternKind = "plain"
    second: Colour = (255, 255, 255)
    size: float = 0.25
    angle: float = 0.0


def fill(colour: Colour, pattern: Pattern, pose: Pose, box: Box, rng: np.random.Generator) -> Pixels:
    """Colour and pattern over the pixels of `box`, with a little unevenness."""
    x0, y0, x1, y1 = box
    height, width = y1 - y0, x1 - x0
    base, second = np.array(colour), np.array(pattern.second)
    share = _share(pattern, pose, box, rng)[..., None]
    uneven = 0.94 + 0.12 * noise((height, width), max(4.0, pose.scale * 0.3), rng)
    fine = 0.97 + 0.06 * rng.integers(0, 256, (height, width)) / 255
    pixels: Pixels = (base + (second - base) * share) * (uneven * fine)[..., None]
    return pixels


def _share(pattern: Pattern, pose: Pose, box: Box, rng: np.random.Generator) -> Plane:
    """(H, W) of 0-1: how much of the second colour each pixel shows."""
    x0, y0, x1, y1 = box
    shape = (y1 - y0, x1 - x0)
    if pattern.kind == "plain":
        return np.zeros(shape)
    if pattern.kind == "speckle":
        return _clipped((noise(shape, max(2.0, pattern.size * pose.scale * 0.4), rng) - 0.55) * 6)
    if pattern.kind == "grain":
        return noise(shape, max(2.0, pattern.size * pose.scale * 0.5), rng) * 0.6
    return _regular(pattern, pose, box)


def _regular(pattern: Pattern, pose: Pose, box: Box) -> Plane:
    """Stripes, checks or dots, which move with the object."""
    x0, y0, x1, y1 = box
    a, b, c, d = pose.matrix
    det = a * d - b * c
    px, py = np.meshgrid(np.arange(x0, x1) + 0.5 - pose.centre[0], np.arange(y0, y1) + 0.5 - pose.centre[1])
    x, y = (d * px - b * py) / det, (-c * px + a * py) / det
    ct, st = math.cos(pattern.angle), math.sin(pattern.angle)
    u, v = (ct * x + st * y) / pattern.size, (-st * x + ct * y) / pattern.size
    edge = pattern.size * pose.scale  # pixels of one repeat: how sharp an edge may be
    across_u, across_v = np.abs(u - np.floor(u) - 0.5), np.abs(v - np.floor(v) - 0.5)
    if pattern.kind == "stripes":
        return _clipped((across_u - 0.25) * edge + 0.5)
    if pattern.kind == "checks":
        signs: Plane = np.clip((across_u - 0.25) * edge, -0.5, 0.5) * np.clip((across_v - 0.25) * edge, -0.5, 0.5)
        return signs * 2 + 0.5
    return _clipped((0.3 - np.sqrt(across_u * across_u + across_v * across_v)) * edge + 0.5)


def _clipped(plane: Plane) -> Plane:
    return np.clip(plane, 0.0, 1.0)


def blurred(plane: Plane, radius: float) -> Plane:
    """A plane of 0-1 blurred by Pillow's integer Gaussian."""
    image = Image.fromarray(np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float64) / 255


def noise(shape_hw: tuple[int, int], grain: float, rng: np.random.Generator) -> Plane:
    """Smooth noise of 0-1; `grain` is the size of its spots in pixels."""
    height, width = shape_hw
    coarse = (max(2, math.ceil(height / grain) + 1), max(2, math.ceil(width / grain) + 1))
    seeds = Image.fromarray(rng.integers(0, 256, coarse, dtype=np.uint8))
    return np.asarray(seeds.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 255


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` of `second` in it."""
    r, g, b = (a + (c - a) * share for a, c in zip(first, second, strict=True))
    return (r, g, b)
