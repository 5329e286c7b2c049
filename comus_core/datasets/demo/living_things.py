"""Living things of the demo scenes: fish, mushroom, butterfly, flower. Each is drawn in a square of about -1 to 1."""

from __future__ import annotations

import math

import numpy as np

from comus_core.datasets.demo.paint import Part
from comus_core.datasets.demo.palette import CREAM, INK, WHITE, Palette, choose
from comus_core.datasets.demo.patterns import Pattern, PatternKind, mix
from comus_core.datasets.demo.shapes import Points, band, ellipse, mirrored, smooth

#


def fish(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """Seen from the side, swimming left."""
    deep, tail = rng.uniform(0.36, 0.6), rng.uniform(0.3, 0.5)
    kinds: tuple[PatternKind, ...] = ("stripes", "speckle", "plain", "stripes", "dots")
    kind = choose(rng, kinds)
    pattern = Pattern(kind, palette.accent, rng.uniform(0.28, 0.42), rng.uniform(-0.25, 0.25))
    body = smooth([(-0.92, 0.04), (-0.62, -0.7 * deep), (-0.1, -deep), (0.4, -0.55 * deep), (0.66, -0.1),
                   (0.66, 0.1), (0.4, 0.5 * deep), (-0.1, deep), (-0.62, 0.72 * deep)])  # fmt: skip
    fork = smooth([(0.58, 0.0), (0.8, -0.55 * tail), (1.06, -1.15 * tail), (0.94, -0.2 * tail), (0.9, 0.0),
                   (0.94, 0.2 * tail), (1.06, 1.15 * tail), (0.8, 0.55 * tail)])  # fmt: skip
    dorsal = smooth([(-0.4, -0.75 * deep), (-0.1, -1.45 * deep), (0.38, -1.35 * deep), (0.42, -0.45 * deep)])
    belly = smooth([(-0.15, 0.8 * deep), (0.1, 1.4 * deep), (0.36, 1.2 * deep), (0.3, 0.5 * deep)])
    side = smooth([(-0.28, 0.05), (0.0, 0.02), (0.14, 0.2), (-0.08, 0.3)])
    fin = mix(palette.main, palette.accent, 0.55)
    rays = Pattern("stripes", mix(fin, WHITE, 0.35), 0.09, math.pi / 2)
    eye = (-0.64, -0.18 * deep)
    return [
        *(Part(outline, fin, 0.5, pattern=rays) for outline in (fork, dorsal, belly)),
        Part(body, palette.main, 1.0, pattern=pattern),
        Part(side, fin, 0.6, pattern=rays),
        Part(band(ellipse(-0.72, 0.0, 0.34, deep * 0.75, 0, -1.0, 1.0), 0.035), mix(palette.main, INK, 0.4), 0.0),
        Part(ellipse(*eye, 0.105, 0.105), WHITE, 0.5),
        Part(ellipse(eye[0] - 0.02, eye[1], 0.06, 0.06), INK, 0.2),
        Part(band([(-0.91, 0.08), (-0.82, 0.13), (-0.74, 0.12)], 0.035), mix(palette.main, INK, 0.6), 0.0),
    ]


def mushroom(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """A cap on a stem, often spotted."""
    tall, wide, stem = rng.uniform(0.6, 0.95), rng.uniform(0.72, 1.0), rng.uniform(0.17, 0.32)
    rim = rng.uniform(-0.02, 0.12)
    cap = smooth([(-wide, rim), (-0.82 * wide, -0.5 * tall), (-0.35 * wide, -0.95 * tall), (0.35 * wide, -0.95 * tall),
                  (0.82 * wide, -0.5 * tall), (wide, rim), (0.6 * wide, rim + 0.12), (0.0, rim + 0.17),
                  (-0.6 * wide, rim + 0.12)])  # fmt: skip
    foot = smooth([(-stem, 0.0), (-0.8 * stem, 0.45), (-1.3 * stem, 0.86), (0.0, 0.98), (1.3 * stem, 0.86),
                   (0.8 * stem, 0.45), (stem, 0.0)])  # fmt: skip
    pale = mix(CREAM, palette.main, rng.uniform(0.0, 0.15))
    ring = smooth([(-1.25 * stem, 0.33), (0.0, 0.27), (1.25 * stem, 0.33), (1.5 * stem, 0.45), (0.0, 0.5),
                   (-1.5 * stem, 0.45)])  # fmt: skip
    gills = Pattern("stripes", mix(pale, INK, 0.35), 0.07)
    parts = [
        Part(foot, pale, 1.0, pattern=Pattern("speckle", mix(pale, INK, 0.2), 0.15)),
        *([Part(ring, mix(pale, WHITE, 0.4), 0.8)] if rng.random() < 0.5 else []),
        Part(ellipse(0, rim + 0.06, 0.78 * wide, 0.15), mix(pale, INK, 0.12), 0.2, pattern=gills),
        Part(cap, palette.main, 1.0, pattern=Pattern("speckle", mix(palette.main, INK, 0.25), 0.5)),
    ]
    return parts + (_spots(rng, tall, wide, rim) if rng.random() < 0.7 else [])


def _spots(rng: np.random.Generator, tall: float, wide: float, rim: float) -> list[Part]:
    size, spots = rng.uniform(0.08, 0.15), []
    for row, count in ((0.22, 4), (0.5, 3), (0.78, 2)):
        reach = wide * math.sqrt(1 - row * row) * 0.86
        for k in range(count):
            x = (2 * (k + 0.5 + rng.uniform(-0.16, 0.16)) / count - 1) * reach
            y = rim - row * (tall + rim) * 0.95
            turn, flat = rng.uniform(-0.5, 0.5), rng.uniform(0.6, 0.9)
            spots.append(Part(ellipse(x, y, size * rng.uniform(0.75, 1.2), size * flat, turn), (250, 245, 232), 0.8))
    return spots


def butterfly(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """Seen from above, wings spread."""
    spread, low = rng.uniform(0.86, 1.05), rng.uniform(0.62, 0.95)
    upper = smooth([(0.04, -0.12), (0.35, -0.62), (0.8 * spread, -0.88), (spread, -0.6), (0.84 * spread, -0.12),
                    (0.4, 0.06), (0.05, 0.06)])  # fmt: skip
    lower = smooth([(0.05, 0.0), (0.42, 0.02), (0.74 * spread, 0.18), (0.72 * spread, 0.6 * low),
                    (0.46, 0.95 * low), (0.2, 0.62 * low), (0.05, 0.3)])  # fmt: skip
    inner_upper, inner_lower = _shrunk(upper, (0.42, -0.36), 0.74), _shrunk(lower, (0.36, 0.34), 0.7)
    edge = mix(palette.main, INK, rng.uniform(0.55, 0.9))
    other = mix(palette.main, palette.accent, rng.uniform(0.2, 1.0))
    kind: PatternKind = choose(rng, ("plain", "speckle", "stripes"))
    veins = Pattern(kind, mix(palette.main, palette.accent, 0.6), 0.22, rng.uniform(-0.5, 0.5))
    sizes = [rng.uniform(0.05, 0.1) for _ in range(3)]
    parts = []
    for turn in (list, mirrored):
        parts += [Part(turn(lower), edge, 0.5), Part(turn(inner_lower), other, 0.4, pattern=veins)]
        parts += [Part(turn(upper), edge, 0.5), Part(turn(inner_upper), palette.main, 0.4, pattern=veins)]
        dots = ((0.86 * spread, -0.66), (0.9 * spread, -0.45), (0.46, 0.5 * low))
        parts += [
            Part(turn(ellipse(x, y, r, r)), mix(palette.accent, WHITE, 0.6), 0.3)
            for (x, y), r in zip(dots, sizes, strict=True)
        ]
        feeler: Points = [(0.02, -0.34), (0.1, -0.6), (0.24, -0.84)]
        parts += [Part(turn(band(feeler, 0.035)), INK, 0.0), Part(turn(ellipse(0.245, -0.85, 0.045, 0.045)), INK, 0.3)]
    stripes = Pattern("stripes", mix(INK, palette.accent, 0.3), 0.16, math.pi / 2)
    body = [Part(ellipse(0, 0.14, 0.075, 0.44), INK, 1.0, pattern=stripes), Part(ellipse(0, -0.34, 0.085, 0.1), INK, 1)]
    return parts + body


def _shrunk(outline: Points, centre: tuple[float, float], share: float) -> list[tuple[float, float]]:
    return [(centre[0] + (x - centre[0]) * share, centre[1] + (y - centre[1]) * share) for x, y in outline]


def flower(rng: np.random.Generator, palette: Palette) -> list[Part]:
    """A daisy-like head on a stem with leaves."""
    petals, heart = int(rng.integers(5, 13)), rng.uniform(0.17, 0.27)
    fat = rng.uniform(0.8, 1.02) * math.pi * 0.44 / petals
    green = mix((70, 140, 60), (150, 170, 60), rng.uniform(0, 1))
    lean = rng.uniform(-0.16, 0.16)
    stem = band([(0, -0.3), (lean * 0.4, 0.2), (lean, 0.62), (lean * 1.2, 1.02)], 0.095)
    leaves = [
        smooth([(lean * 0.8, 0.66), (lean + side * 0.24, 0.4), (lean + side * 0.6, 0.34), (lean + side * 0.4, 0.62)])
        for side in ((-1, 1), (1,), (-1,))[int(rng.integers(3))]
    ]
    veins = Pattern("stripes", mix(green, INK, 0.25), 0.12, 0.7)
    parts = [Part(stem, mix(green, INK, 0.15), 0.8), *(Part(leaf, green, 0.9, pattern=veins) for leaf in leaves)]
    phase, reach = rng.uniform(0, 1), rng.uniform(0.56, 0.66)
    layers = (0, 1) if rng.random() < 0.5 else (1,)
    tip = mix(palette.main, palette.accent, rng.uniform(0.0, 0.35))
    for layer in layers:
        tint = mix(tip, INK, 0.3) if layer == 0 else tip
        for k in range(petals):
            angle = 2 * math.pi * (k + phase + 0.5 * layer) / petals
            c, s = math.cos(angle), math.sin(angle)
            for scale, shade in ((1.0, mix(tint, INK, 0.3)), (0.86, tint)):  # a darker edge parts the petals
                centre = (0.56 * reach * c, -0.36 + 0.56 * reach * s)
                parts.append(Part(ellipse(*centre, reach * 0.52 * scale, fat * scale, angle), shade, 0.9))
    seeds = choose(rng, ((245, 190, 40), (110, 62, 30), (225, 140, 40)))
    dots = Pattern("dots", mix(seeds, INK, 0.45), 0.075, 0.6)
    return [*parts, Part(ellipse(0, -0.36, heart, heart), seeds, 1.0, pattern=dots)]
