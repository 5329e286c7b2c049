"""One scene of the demo: objects of ten categories under one light on a textured ground, with their exact mask."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from comus_core.datasets.demo.backgrounds import GROUNDS
from comus_core.datasets.demo.living_things import butterfly, fish, flower, mushroom
from comus_core.datasets.demo.paint import Light, Part, paint
from comus_core.datasets.demo.palette import Palette, choose, contrasting
from comus_core.datasets.demo.patterns import Colour, Pixels, blurred
from comus_core.datasets.demo.shapes import Coverage, Pose
from comus_core.datasets.demo.things import balloon, car, guitar, mug, sailboat, umbrella
from comus_core.types import IndexMask, RgbImage

SEED = 20230
SHARES = (0.77, 0.17, 0.06)  # of scenes with one, two and three objects
_SIDES = ((320, 240), (320, 256), (300, 300), (240, 320), (288, 288), (256, 320), (320, 214))  # width, height
_MARGIN = 4  # pixels between an object and the frame

Draw = Callable[[np.random.Generator, Palette], list[Part]]


@dataclass(frozen=True)
class Category:
    """A kind of object: how it is drawn and how far (radians) it may be turned."""

    name: str
    draw: Draw
    turn: float
    size: float = 1.0  # against the others, so that all fill their place alike


CATEGORIES = (
    Category("balloon", balloon, 0.3),
    Category("butterfly", butterfly, 1.6, 1.05),
    Category("car", car, 0.26, 1.12),
    Category("fish", fish, 0.8, 1.05),
    Category("flower", flower, 0.5),
    Category("guitar", guitar, 1.3, 1.08),
    Category("mug", mug, 0.35),
    Category("mushroom", mushroom, 0.4),
    Category("sailboat", sailboat, 0.24),
    Category("umbrella", umbrella, 0.6),
)
CLASSES = ("background", *(category.name for category in CATEGORIES))


def draw_scene(number: int, seed: int = SEED) -> tuple[RgbImage, IndexMask]:
    """One scene: (H, W, 3) uint8 and its index mask (H, W) uint8, 0 background, then `CLASSES`.

    Each number has its own stream of random numbers, so any subset of scenes can be drawn alone. Its first object is
    of category `number % 10`, so all categories occur equally often. A pixel belongs to an object that covers at
    least half of it.
    """
    rng = np.random.default_rng([seed, number])
    width, height = choose(rng, _SIDES)
    pixels = choose(rng, GROUNDS)((height, width), rng)
    light = _light(rng)
    mask = np.zeros((height, width), dtype=np.uint8)
    count = 1 + int(np.searchsorted(np.cumsum(SHARES)[:2], rng.random(), side="right"))
    first = number % len(CATEGORIES)
    kinds = [first, *(int(k) for k in rng.integers(0, len(CATEGORIES), count - 1))]
    for kind, (x, y, radius) in zip(kinds, _places(rng, count, width, height), strict=True):
        shape = _add(pixels, CATEGORIES[kind], _pose(rng, CATEGORIES[kind], x, y, radius), light, rng)
        mask[shape >= 0.5] = kind + 1
    return _developed(pixels, rng), mask


def _light(rng: np.random.Generator) -> Light:
    angle = rng.uniform(-math.pi + 0.4, -0.4)  # from above
    return Light((math.cos(angle), math.sin(angle)), rng.uniform(0.6, 1.1), rng.uniform(0.3, 0.6))


def _places(rng: np.random.Generator, count: int, width: int, height: int) -> list[tuple[float, float, float]]:
    """(x, y, radius) of each object in pixels; several stand side by side along the longer side."""
    short, long_ = min(width, height), max(width, height)
    cell, places = long_ / count, []
    for k in range(count):
        radius = short * rng.uniform(0.25, 0.46)
        if count > 1:
            radius = min(radius, cell * rng.uniform(0.4, 0.47))
        along = (k + 0.5) * cell + rng.uniform(-0.12, 0.12) * cell
        across = short * (0.5 + rng.uniform(-1, 1) * max(0.0, 0.46 - radius / short))
        places.append((along, across, radius) if width >= height else (across, along, radius))
    return places


def _pose(rng: np.random.Generator, category: Category, x: float, y: float, radius: float) -> Pose:
    turn, shear = rng.uniform(-1, 1) * category.turn, rng.uniform(-0.15, 0.15)
    stretch = rng.uniform(0.88, 1.12) * (-1 if rng.random() < 0.5 else 1)
    scale, c, s = radius * category.size, math.cos(turn), math.sin(turn)
    return Pose((scale * c * stretch, scale * (c * shear - s), scale * s * stretch, scale * (s * shear + c)), (x, y))


def _add(pixels: Pixels, category: Category, pose: Pose, light: Light, rng: np.random.Generator) -> Coverage:
    """Draw one object with its soft shadow into `pixels`; its coverage (H, W)."""
    painted, clear = pixels.copy(), np.ones(pixels.shape[:2])
    parts = category.draw(rng, contrasting(rng, _mean(pixels, pose)))
    pose = _inside(pose, parts, pixels.shape[1], pixels.shape[0])
    for part in parts:
        clear *= 1 - paint(painted, part, pose, light, rng)
    shape: Coverage = 1 - clear
    reach = pose.scale * 0.09
    fallen = np.roll(shape, (round(-light.direction[1] * reach), round(-light.direction[0] * reach)), axis=(0, 1))
    pixels *= 1 - light.shadow * blurred(fallen, max(2.0, pose.scale * 0.06))[..., None]
    # The parts lie on the ground without shadow, which shows only in the seam and keeps edges clean.
    pixels += (painted - pixels) * shape[..., None]
    return shape


def _inside(pose: Pose, parts: Sequence[Part], width: int, height: int) -> Pose:
    """The pose, shrunk if the object is larger than the frame, and moved so that the frame cuts nothing off."""
    x0, y0, x1, y1 = _extent(pose, parts)
    shrink = min(1.0, (width - 2 * _MARGIN) / (x1 - x0), (height - 2 * _MARGIN) / (y1 - y0))
    a, b, c, d = (shrink * entry for entry in pose.matrix)
    pose = replace(pose, matrix=(a, b, c, d))
    x0, y0, x1, y1 = _extent(pose, parts)
    x, y = pose.centre
    x += max(0.0, _MARGIN - x0) - max(0.0, x1 - (width - _MARGIN))
    y += max(0.0, _MARGIN - y0) - max(0.0, y1 - (height - _MARGIN))
    return replace(pose, centre=(x, y))


def _extent(pose: Pose, parts: Sequence[Part]) -> tuple[float, float, float, float]:
    xs, ys = zip(*(point for part in parts for point in pose.place(part.outline)), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _mean(pixels: Pixels, pose: Pose) -> Colour:
    """Mean colour of the ground where the object will stand."""
    (x, y), reach = pose.centre, pose.scale
    window = pixels[max(0, int(y - reach)) : int(y + reach), max(0, int(x - reach)) : int(x + reach)]
    r, g, b = (float(v) for v in window.mean(axis=(0, 1)))
    return (r, g, b)


def _developed(pixels: Pixels, rng: np.random.Generator) -> RgbImage:
    """The scene as a camera gives it: exposure, a tint, and a darker rim."""
    height, width = pixels.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    rim = 1 - rng.uniform(0.0, 0.12) * (x * x + y * y)
    tint = np.array([rng.uniform(0.95, 1.05) for _ in range(3)]) * rng.uniform(0.86, 1.08)
    grain = rng.integers(-4, 5, (height, width, 1))
    return np.rint(np.clip(pixels * rim[..., None] * tint + grain, 0, 255)).astype(np.uint8)
