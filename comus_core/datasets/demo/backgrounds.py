"""Textured backgrounds of the demo scenes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from comus_core.datasets.demo.palette import INK, WHITE, choose, colour
from comus_core.datasets.demo.patterns import Colour, Pixels, blurred, mix, noise
from comus_core.datasets.demo.shapes import coverage, ellipse

Shape = tuple[int, int]  # height, width
Ground = Callable[[Shape, np.random.Generator], Pixels]


def _filled(shape: Shape, tint: Colour) -> Pixels:
    return np.broadcast_to(np.array(tint, dtype=np.float64), (*shape, 3)).copy()


def _between(first: Colour, second: Colour, share: Pixels) -> Pixels:
    pixels: Pixels = np.array(first) + (np.array(second) - np.array(first)) * share[..., None]
    return pixels


def _layers(shape: Shape, grains: tuple[float, ...], rng: np.random.Generator) -> Pixels:
    """Noise of several grains in one, each half as strong as the one before, 0-1."""
    total, weight = np.zeros(shape), 0.0
    for k, grain in enumerate(grains):
        total += noise(shape, grain, rng) / 2**k
        weight += 1 / 2**k
    return total / weight


def meadow(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Grass: blades of many greens over a soft ground."""
    light, dark = colour(rng.uniform(0.2, 0.33), 0.5, 0.62), colour(rng.uniform(0.25, 0.36), 0.6, 0.34)
    pixels = _between(dark, light, _layers(shape, (40, 12, 4), rng))
    for _ in range(260):
        x, y, high = rng.uniform(0, shape[1]), rng.uniform(0, shape[0] * 1.1), rng.uniform(9, 26)
        lean, tint = rng.uniform(-8, 8), mix(dark, light, rng.uniform(-0.1, 1.25))
        _patch(pixels, [(x - 1.4, y), (x + lean, y - high), (x + 1.4, y)], tint, 0.75)
    return pixels


def planks(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Wooden boards with grain."""
    wood = mix((176, 128, 82), choose(rng, ((96, 70, 52), (214, 190, 156), (150, 150, 146))), rng.uniform(0.2, 0.9))
    upright, step = rng.random() < 0.5, int(rng.integers(34, 64))
    height, width = shape if not upright else shape[::-1]
    # Noise squeezed along the boards makes their grain.
    grain = noise((height, max(3, width // 14)), 2.5, rng)
    stretched = (
        np.repeat(grain, 15, axis=1)[:, :width] if grain.shape[1] * 15 >= width else np.resize(grain, (height, width))
    )
    veins = stretched * 0.6 + noise((height, width), 30, rng) * 0.4
    pixels = _between(mix(wood, INK, 0.28), mix(wood, WHITE, 0.18), veins)
    for start in range(0, height, step):
        pixels[start : start + step] *= rng.uniform(0.88, 1.08)
        pixels[start : start + 2] *= 0.62
    return pixels if not upright else pixels.transpose(1, 0, 2).copy()


def sand(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Sand or gravel with gentle ripples."""
    tint = choose(rng, ((222, 200, 160), (206, 186, 158), (190, 184, 176), (226, 214, 190)))
    pixels = _between(mix(tint, INK, 0.16), mix(tint, WHITE, 0.2), _layers(shape, (60, 16, 5), rng))
    return pixels * (0.9 + 0.2 * rng.integers(0, 256, shape) / 255)[..., None]


def water(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Rippled water: noise stretched sideways."""
    deep, bright = colour(rng.uniform(0.5, 0.62), 0.65, 0.5), colour(rng.uniform(0.48, 0.58), 0.35, 0.86)
    height, width = shape
    waves = noise((height, max(3, width // 5)), rng.uniform(5, 9), rng)
    waves = np.repeat(waves, 6, axis=1)[:, :width]
    share = blurred(waves, 2.0) * 0.7 + noise(shape, 60, rng) * 0.3
    return _between(deep, bright, np.clip((share - 0.25) * 1.7, 0, 1))


def sky(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A sky from day to dusk with soft clouds."""
    top, low = choose(
        rng, (((88, 150, 220), (196, 222, 240)), ((120, 100, 160), (244, 190, 150)), ((110, 130, 150), (206, 210, 214)))
    )
    slope = np.broadcast_to(np.linspace(0, 1, shape[0])[:, None], shape)
    pixels = _between(top, low, slope)
    clouds = np.clip((_layers(shape, (70, 30, 12, 5), rng) - 0.5) * 3.2, 0, 0.85)
    return pixels + (np.array([250.0, 250.0, 250.0]) - pixels) * clouds[..., None]


def bricks(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A wall of bricks."""
    clay = choose(rng, ((172, 98, 76), (150, 120, 104), (196, 176, 156), (128, 96, 92)))
    high, wide = int(rng.integers(20, 32)), int(rng.integers(46, 70))
    pixels = _filled(shape, mix(clay, WHITE, 0.5))
    for row in range(shape[0] // high + 1):
        for left in range(-(wide // 2) * (row % 2), shape[1], wide):
            window = pixels[row * high + 3 : (row + 1) * high, max(left + 3, 0) : max(left + wide, 0)]
            window[:] = np.array(mix(clay, choose(rng, (INK, WHITE)), rng.uniform(0, 0.16)))
    return pixels * (0.84 + 0.3 * _layers(shape, (24, 4, 2), rng))[..., None]


def cloth(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A woven cloth with a faint check and soft folds."""
    tint = colour(rng.random(), rng.uniform(0.08, 0.3), rng.uniform(0.7, 0.95))
    pixels = _filled(shape, tint)
    step = int(rng.integers(16, 34))
    rows, columns = (np.arange(n) // step % 2 for n in shape)
    pixels *= 1 - 0.09 * (rows[:, None, None] + columns[None, :, None])
    weave = (np.arange(shape[0])[:, None] + np.arange(shape[1])[None, :]) % 3 / 2
    return pixels * (0.86 + 0.06 * weave + 0.2 * noise(shape, 70, rng))[..., None]


def leaves(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Fallen leaves, dim, one over the other."""
    hue = choose(rng, (0.07, 0.1, 0.28, 0.33))
    pixels = _filled(shape, colour(hue, 0.5, 0.25))
    for _ in range(170):
        x, y, size, turn = (
            rng.uniform(0, shape[1]),
            rng.uniform(0, shape[0]),
            rng.uniform(9, 20),
            rng.uniform(0, math.pi),
        )
        tint = colour(hue + rng.uniform(-0.04, 0.04), rng.uniform(0.35, 0.6), rng.uniform(0.28, 0.52))
        _patch(pixels, ellipse(x, y, size, size * 0.45, turn), tint, 0.9)
        end = (x + size * math.cos(turn), y + size * math.sin(turn))
        _patch(pixels, [(x, y - 0.8), end, (x, y + 0.8)], mix(tint, INK, 0.3), 0.8)
    return pixels * (0.85 + 0.3 * noise(shape, 5, rng))[..., None]


def lights(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Lamps out of focus at night."""
    hue = rng.random()
    pixels = _between(colour(hue, 0.5, 0.16), colour(hue + 0.08, 0.5, 0.36), _layers(shape, (90, 40), rng))
    for _ in range(26):
        x, y, size = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(7, 22)
        tint = colour(hue + rng.uniform(-0.12, 0.12), 0.5, 0.75)
        _patch(pixels, ellipse(x, y, size, size), tint, rng.uniform(0.1, 0.3))
    return pixels


def plaster(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A painted wall, stained and lit from one side."""
    tint = colour(rng.random(), rng.uniform(0.05, 0.35), rng.uniform(0.6, 0.92))
    pixels = _between(mix(tint, INK, 0.14), mix(tint, WHITE, 0.2), _layers(shape, (80, 24, 7, 3), rng))
    return pixels * (1.05 - 0.22 * np.linspace(0, 1, shape[1]))[None, :, None]


GROUNDS: tuple[Ground, ...] = (meadow, planks, sand, water, sky, bricks, cloth, leaves, lights, plaster)


def _patch(pixels: Pixels, outline: list[tuple[float, float]], tint: Colour, strength: float) -> None:
    """Lay one flat outline, in pixels, over the ground in place."""
    height, width = pixels.shape[:2]
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    x0, y0 = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    x1, y1 = min(width, math.ceil(max(xs)) + 1), min(height, math.ceil(max(ys)) + 1)
    if x1 > x0 and y1 > y0:
        window = pixels[y0:y1, x0:x1]
        window += (np.array(tint) - window) * (coverage(outline, (x0, y0, x1, y1)) * strength)[..., None]
