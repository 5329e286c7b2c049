"""The colours of the demo scenes."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from comus_core.datasets.demo.patterns import Colour

T = TypeVar("T")

INK: Colour = (32, 28, 34)
WHITE: Colour = (252, 252, 248)
CREAM: Colour = (240, 226, 198)
_TRIES = 40
_APART = 105  # of colours of 0-255: an object must be seen, but need not shout


@dataclass(frozen=True)
class Palette:
    """The two colours an object varies in; what is always the same (ink, cream, wood) is its own affair."""

    main: Colour
    accent: Colour


def choose(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of the choices, evenly."""
    return choices[int(rng.integers(len(choices)))]


def colour(hue: float, saturation: float, value: float) -> Colour:
    """RGB of a hue of 0-1 (wrapping round), saturation and value of 0-1."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return (255 * r, 255 * g, 255 * b)


def contrasting(rng: np.random.Generator, background: Colour) -> Palette:
    """A vivid palette whose main colour stands out from the background's mean colour."""
    drawn = [_vivid(rng) for _ in range(_TRIES)]
    main = next(
        (c for c in drawn if _distance(c, background) > _APART), max(drawn, key=lambda c: _distance(c, background))
    )
    others = [_vivid(rng) for _ in range(_TRIES)] + [WHITE]
    accent = next((c for c in others if _distance(c, main) > 130), WHITE)
    return Palette(main, accent)


def _vivid(rng: np.random.Generator) -> Colour:
    return colour(rng.random(), rng.uniform(0.42, 0.88), rng.uniform(0.45, 0.97))


def _distance(first: Colour, second: Colour) -> float:
    """Euclidean in RGB, green weighing most, as eyes do."""
    weights = (0.9, 1.3, 0.8)
    return math.sqrt(sum(w * (a - b) ** 2 for w, a, b in zip(weights, first, second, strict=True)))
