"""Made things of the demo scenes: mug, sailboat, balloon, car, umbrella, guitar. Each in a square of about -1 to 1."""

from __future__ import annotations

import math

import numpy as np

from comus_core.datasets.demo.paint import Part
from comus_core.datasets.demo.palette import CREAM, INK, WHITE, Palette, choose
from comus_core.datasets.demo.patterns import Colour, Pattern, PatternKind, mix
from comus_core.datasets.demo.shapes import Points, band, ellipse, mirrored, smooth

_ROPE: Colour = (96, 74, 54)
_GLASS: Colour = (176, 214, 232)
_STEEL: Colour = (188, 192, 200)


def _any_pattern(rng: np.random.Generator, palette: Palette, size: float) -> Pattern:
    kinds: tuple[PatternKind, ...] = ("plain", "plain", "stripes", "dots", "checks", "speckle")
    angle = choose(rng, (0.0, math.pi / 2, 0.6, -0.6))
    return Pattern(choose(rng, kinds), palette.accent, size * rng.uniform(0.8, 1.4), angle)


def mug(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """A cup with its handle on the right, seen a little from above."""
    wide, tall, taper = rng.uniform(0.5, 0.66), rng.uniform(0.55, 0.85), rng.uniform(0.72, 1.0)
    lip, loop = rng.uniform(0.1, 0.17), rng.uniform(0.28, 0.38)
    wall = [(-wide, -tall), *ellipse(0, tall - lip * taper, wide * taper, lip, 0, math.pi, 0), (wide, -tall)]
    handle_turn = band(ellipse(wide * 0.5 * (1 + taper) - 0.02, -0.05, loop, tall * 0.56, 0, -1.75, 1.75), 0.13)
    drink = choose(rng, ((84, 50, 28), (150, 96, 50), (120, 60, 30), (230, 214, 190)))
    inside = mix(palette.main, INK, 0.35)
    return [
        Part(handle_turn, mix(palette.main, INK, 0.1), 1.0),
        Part(wall, palette.main, 1.0, pattern=_any_pattern(rng, palette, 0.26)),
        Part(ellipse(0, -tall, wide, lip), mix(palette.main, WHITE, 0.35), 0.2),
        Part(ellipse(0, -tall + 0.01, wide * 0.89, lip * 0.82), inside, 0.2),
        Part(ellipse(0, -tall + 0.035, wide * 0.8, lip * 0.6), drink, 0.3),
    ]


def sailboat(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """Two sails over a hull, bow to the right."""
    top, boom, jib = rng.uniform(-1.05, -0.85), rng.uniform(0.6, 0.85), rng.uniform(0.45, 0.68)
    deep, hull_tint = rng.uniform(0.26, 0.4), choose(rng, (palette.accent, (128, 78, 44), mix(palette.main, INK, 0.4)))
    hull = smooth([(-0.82, 0.47), (0.1, 0.51), (0.98, 0.4), (0.8, 0.5 + 0.6 * deep), (0.5, 0.5 + deep),
                   (-0.45, 0.5 + deep), (-0.72, 0.5 + 0.6 * deep)], 6)  # fmt: skip
    stripe = band([(-0.76, 0.58), (0.1, 0.61), (0.86, 0.53)], 0.07)
    main_sail = [(-0.03, top), (-0.2 * boom, 0.62 * top), (-0.55 * boom, 0.1 * top), (-boom, 0.34), (-0.03, 0.37)]
    fore_sail = [(0.05, top + 0.12), (0.3 + 0.3 * jib, -0.12), (0.22 + jib, 0.33), (0.05, 0.36)]
    cloth = mix(CREAM, palette.main, 0.0 if rng.random() < 0.35 else 1.0)
    panels = Pattern(choose(rng, ("stripes", "plain", "stripes")), mix(cloth, palette.accent, 0.7), 0.3, math.pi / 2)
    pennant = [(0.0, top - 0.1), (0.3, top - 0.04), (0.0, top + 0.03)]
    return [
        Part(band([(0.01, top - 0.1), (0.01, 0.55)], 0.05), (120, 84, 52), 0.6),
        Part(pennant, palette.accent, 0.3),
        Part(main_sail, cloth, 0.8, pattern=panels),
        Part(fore_sail, mix(cloth, WHITE, 0.3), 0.8),
        Part(hull, hull_tint, 1.0, pattern=Pattern("grain", mix(hull_tint, INK, 0.4), 0.2)),
        Part(stripe, WHITE, 0.2),
    ]


def balloon(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """A hot-air balloon with its basket."""
    wide, neck = rng.uniform(0.66, 0.8), rng.uniform(0.42, 0.5)
    gores = int(choose(rng, (3, 5, 7)))
    parts = [Part(band([(side * 0.17, neck), (side * 0.12, 0.76)], 0.03), _ROPE, 0.0) for side in (-1, 1)]
    for k in range(gores):
        half = wide * (gores - k) / gores
        tint = palette.main if k % 2 == 0 else palette.accent
        squeeze = (0.24 * (gores - k) / gores, neck)
        side: Points = [(squeeze[0], squeeze[1]), (0.62 * half + 0.06, 0.14), (half, -0.36), (0.72 * half, -0.82)]
        outline = smooth([(0.0, -1.0), *mirrored(side[::-1]), *side])
        parts.append(Part(outline, tint, 0.55 if k == 0 else 0.25))
    belt = choose(rng, (0.0, 0.12, 0.2))
    if belt:
        line = ellipse(0, -0.5, 0.94 * wide, 0.16, 0, 0.25, math.pi - 0.25)
        parts.append(Part(band(line, belt), mix(palette.accent, WHITE, 0.5), 0.2))
    weave = Pattern("checks", (124, 78, 38), 0.1)
    basket = [(-0.17, 0.74), (0.17, 0.74), (0.14, 1.0), (-0.14, 1.0)]
    return [
        *parts,
        Part(ellipse(0, neck, 0.2, 0.05), mix(palette.main, INK, 0.5), 0.2),
        Part(basket, (176, 122, 66), 0.8, pattern=weave),
        Part(band([(-0.19, 0.745), (0.19, 0.745)], 0.06), (120, 76, 40), 0.5),
    ]


def car(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """Seen from the side, driving left; the roof makes it a saloon, a hatchback or a van."""
    front, rear, roof = rng.uniform(-0.62, -0.3), rng.uniform(0.5, 0.86), rng.uniform(-0.52, -0.36)
    wheel, belt = rng.uniform(0.19, 0.24), -0.06
    body = smooth([(-1.0, 0.3), (-0.99, 0.08), (-0.82, -0.02), (front, belt - 0.04), (0.0, belt - 0.06),
                   (0.8, belt - 0.04), (0.99, 0.04), (1.0, 0.3), (0.9, 0.38), (0.0, 0.39),
                   (-0.9, 0.38)], 6)  # fmt: skip
    cabin = smooth([(front - 0.06, belt + 0.06), (front + 0.22, roof + 0.08), (front + 0.42, roof),
                    (rear - 0.32, roof), (rear - 0.1, roof + 0.08), (rear + 0.06, belt + 0.06)], 6)  # fmt: skip
    middle = (front + rear) / 2
    windows: list[Points] = [
        [(front + 0.1, belt), (front + 0.28, roof + 0.1), (middle - 0.03, roof + 0.09), (middle - 0.03, belt)],
        [(middle + 0.04, belt), (middle + 0.04, roof + 0.09), (rear - 0.2, roof + 0.1), (rear - 0.06, belt)],
    ]
    stripe = [Part(band([(-0.96, 0.16), (0.98, 0.16)], 0.07), palette.accent, 0.2)] if rng.random() < 0.5 else []
    parts = [
        Part(cabin, mix(palette.main, choose(rng, (palette.main, WHITE, INK)), 0.5), 0.8),
        Part(body, palette.main, 1.0),
    ]
    parts += [*stripe, *(Part(window, _GLASS, 0.4) for window in windows)]
    parts += [Part(band([(middle, belt + 0.04), (middle + 0.01, 0.34)], 0.02), mix(palette.main, INK, 0.5), 0.0)]
    parts += [
        Part(ellipse(-0.93, 0.1, 0.06, 0.075), (255, 240, 170), 0.5),
        Part(ellipse(0.95, 0.12, 0.045, 0.08), (210, 40, 40)),
    ]
    for x in (-0.56, 0.56):
        parts += [
            Part(ellipse(x, 0.38, wheel, wheel), INK, 0.8),
            Part(ellipse(x, 0.38, wheel * 0.58, wheel * 0.58), _STEEL, 0.8),
        ]
        parts += [Part(ellipse(x, 0.38, wheel * 0.2, wheel * 0.2), mix(_STEEL, INK, 0.6), 0.5)]
    return parts


def umbrella(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """Open, with a hooked handle."""
    high, gores = rng.uniform(0.72, 0.98), int(choose(rng, (4, 5, 6)))
    base, scallop = 0.02, rng.uniform(0.08, 0.15)
    edges = [-math.cos(math.pi * k / gores) for k in range(gores + 1)]
    canopy: list[tuple[float, float]] = []
    parts = [Part(band([(0, base - high - 0.12), (0, 0.86)], 0.06), _ROPE, 0.6)]
    hook = ellipse(0.14, 0.84, 0.14, 0.16, 0, math.pi, 0)
    parts.append(Part(band(hook, 0.085), (134, 80, 40), 0.9))
    for k in range(gores):
        left, right = edges[k], edges[k + 1]
        rim = [(right + (left - right) * t / 8, base - scallop * (1 - (t / 4 - 1) ** 2)) for t in range(9)]
        panel = [*_rib(left, high, base), *_rib(right, high, base)[::-1], *rim]
        tint = palette.main if k % 2 == 0 else mix(palette.main, palette.accent, choose(rng, (0.25, 1.0)))
        parts.append(Part(panel, tint, 0.55))
        canopy += panel
    return [*parts, Part(ellipse(0, base - high - 0.02, 0.06, 0.05), mix(palette.main, INK, 0.4), 0.5)]


def _rib(foot: float, high: float, base: float) -> list[tuple[float, float]]:
    """A rib of the canopy from its foot on the rim to the top: a quarter of an ellipse."""
    angles = [math.pi / 2 * k / 12 for k in range(13)]
    return [(foot * math.cos(angle), base - high * math.sin(angle)) for angle in angles]


def guitar(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """Upright, neck to the top."""
    lower, upper, waist = rng.uniform(0.4, 0.5), rng.uniform(0.29, 0.37), rng.uniform(0.22, 0.3)
    right = [(0.1, -0.16), (upper, -0.02), (waist, 0.26), (lower, 0.62), (0.2, 0.97)]
    outline = smooth([*right, *mirrored(right[::-1])])
    wood = choose(rng, (palette.main, (196, 130, 62), (170, 84, 40), palette.main))
    inner = smooth([(x * 0.9, 0.42 + (y - 0.42) * 0.93) for x, y in [*right, *mirrored(right[::-1])]])
    head = [(-0.1, -1.04), (0.1, -1.04), (0.075, -0.78), (-0.075, -0.78)]
    parts = [
        Part(outline, mix(wood, INK, 0.55), 0.5),
        Part(inner, wood, 1.0, pattern=Pattern("grain", mix(wood, INK, 0.35), 0.16)),
        Part(ellipse(0, 0.24, 0.15, 0.15), mix(wood, CREAM, 0.6), 0.2),
        Part(ellipse(0, 0.24, 0.115, 0.115), INK, 0.3),
        Part(band([(-0.17, 0.7), (0.17, 0.7)], 0.075), (60, 40, 30), 0.7),
        Part(band([(0, -0.84), (0, 0.2)], 0.115), (92, 58, 36), 0.8),
        *(Part(band([(-0.055, y), (0.055, y)], 0.02), _STEEL, 0.0) for y in (-0.68, -0.54, -0.4, -0.27, -0.15)),
        Part(head, mix(wood, INK, 0.4), 0.7),
    ]
    pegs = [Part(ellipse(side * 0.125, y, 0.04, 0.03), _STEEL, 0.4) for side in (-1, 1) for y in (-0.98, -0.9, -0.83)]
    strings = [Part(band([(x, -0.8), (x * 1.3, 0.7)], 0.011), (236, 232, 220), 0.0) for x in (-0.035, 0.0, 0.035)]
    return pegs + parts + strings
