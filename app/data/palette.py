"""Colours of categories, the same on the map, the cards and the masks, readable on light and dark pages."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UNASSIGNED = "#8b93a0"  # points, proposals and rows without a category
OTHER = "#4a5058"  # the many small categories that share a colour, and predicted background
CORE, FILTERED = "#1a9850", "#d73027"  # kept and dropped, green and red as in the paper's Figure 3
LIGHT_PAGE, DARK_PAGE = "#ffffff", "#0e1117"

# Six hues that colour-blind eyes tell apart (Okabe and Ito 2008, without black and yellow, which vanish on a page).
_FIRST = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
_CAREFUL = 10  # so many colours stay apart for colour-blind eyes before normal vision decides alone
_MIN_CONTRAST = 1.75  # WCAG ratio to the white and the dark page

# sRGB to OKLab (Ottosson 2020) and dichromatic vision in linear sRGB (Machado et al. 2009, severity 1).
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
VISION = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def colours(n: int) -> list[str]:
    """The first `n` colours of one fixed sequence, `#rrggbb`.

    A category keeps its colour when more are added. Each colour after the first six is the one farthest, in OKLab,
    from all before it, as seen by normal and by colour-blind eyes; past about 2,900 the sequence starts again.
    """
    sequence = _sequence(max(96, 1 << (n - 1).bit_length())) if n else ()
    return [sequence[i % len(sequence)] for i in range(n)]


def oklab(hex_colours: list[str], vision: str = "normal") -> Array:
    """(n, 3) OKLab coordinates of `#rrggbb` colours as seen with a `VISION`; differences are perceptual."""
    return _lab(_linear(_rgb(hex_colours)) @ VISION[vision].T)


def contrast(a: str, b: str) -> float:
    """The WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted(_luminance(_linear(_rgb([a, b]))), reverse=True)
    return float((light + 0.05) / (dark + 0.05))


@lru_cache(maxsize=4)
def _sequence(n: int) -> tuple[str, ...]:
    candidates = _candidates()
    views = {vision: oklab(candidates, vision) for vision in VISION}
    sequence = list(_FIRST)
    nearest = {vision: np.full(len(candidates), np.inf) for vision in VISION}
    for colour in (UNASSIGNED, *_FIRST):
        _account(nearest, views, colour)
    while len(sequence) < min(n, len(candidates)):
        weight = 1.5 if len(sequence) < _CAREFUL else 3.0
        score = np.minimum.reduce([d * (1.0 if vision == "normal" else weight) for vision, d in nearest.items()])
        sequence.append(candidates[int(score.argmax())])
        _account(nearest, views, sequence[-1])
    return tuple(sequence)


def _account(nearest: dict[str, Array], views: dict[str, Array], colour: str) -> None:
    """Lower each candidate's distance to the nearest chosen colour, now that `colour` is one of them."""
    for vision, distance in nearest.items():
        away = np.linalg.norm(views[vision] - oklab([colour], vision), axis=1)
        np.minimum(distance, away, out=distance)


@lru_cache(maxsize=1)
def _candidates() -> list[str]:
    """Colours of an OKLCH grid that a screen can show and both pages let stand out."""
    grid = np.meshgrid(np.arange(0.44, 0.86, 0.03), np.arange(0.07, 0.22, 0.028), np.arange(0.0, 360, 6), indexing="ij")
    lightness, chroma, hue = (axis.ravel() for axis in grid)
    lab = np.stack([lightness, chroma * np.cos(np.deg2rad(hue)), chroma * np.sin(np.deg2rad(hue))], axis=1)
    linear = (lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    linear = linear[((linear >= 0) & (linear <= 1)).all(axis=1)]
    light, dark = _luminance(_linear(_rgb([LIGHT_PAGE, DARK_PAGE])))
    own = _luminance(linear)
    visible = ((light + 0.05) / (own + 0.05) >= _MIN_CONTRAST) & ((own + 0.05) / (dark + 0.05) >= _MIN_CONTRAST)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)[visible]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(encoded * 255).astype(int)]


def _rgb(hex_colours: list[str]) -> Array:
    return np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in hex_colours]) / 255


def _linear(rgb: Array) -> Array:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _luminance(linear: Array) -> Array:
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _lab(linear: Array) -> Array:
    return np.asarray(np.cbrt(np.clip(linear, 0, 1) @ _TO_LMS.T) @ _TO_LAB.T)
