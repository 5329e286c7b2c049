"""Colours for values: a ramp that reads on light and dark pages and without colour vision, and the scale beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from comus_core.types import FloatArray, IntArray

LEVELS = 256  # of one colouring; the map keeps a colour for each
# Dark blue to light orange: lightness rises all the way, and both ends stand out on both pages.
RAMP = ("#4a4fc4", "#8a52c0", "#c4559f", "#e4706f", "#ea9a4e", "#e3bb4a")


@dataclass(frozen=True)
class Scale:
    """What the colours of a colouring by value mean.

    Attributes:
        title: what is measured.
        unit: `%`, or empty for a share without one.
        low, high: ends of the ramp; a value beyond has the colour of the end.
        even_ratios: equal steps of colour are equal ratios, for values above 0 of many sizes.
    """

    title: str
    unit: str
    low: float
    high: float
    even_ratios: bool = False

    @staticmethod
    def over(values: FloatArray, title: str, unit: str, even_ratios: bool = False) -> Scale:
        """The scale from the smallest to the largest known value; from 0 to 1 where there is none."""
        finite = np.asarray(values, np.float64)
        finite = finite[np.isfinite(finite) & ((finite > 0) if even_ratios else True)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        return Scale(title, unit, low, high, even_ratios and low > 0)

    def place(self, values: FloatArray) -> FloatArray:
        """Where values are between the ends, 0 to 1; NaN stays."""
        low, high, values = self.low, self.high, np.asarray(values, np.float64)
        if self.even_ratios:
            with np.errstate(divide="ignore"):
                low, high, values = np.log(low), np.log(high), np.log(values)
        share: FloatArray = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
        return share

    def at(self, share: float) -> float:
        """The value at a share, 0 to 1, of the way from one end to the other."""
        if self.even_ratios:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + (self.high - self.low) * share

    def words(self, value: float) -> str:
        """A value as text, with its unit."""
        return f"{value:.3g}{' ' + self.unit if self.unit else ''}"


def levels_of(values: FloatArray, scale: Scale) -> IntArray:
    """(n,) int32 level 0…LEVELS − 1 of each value; −1 where it is NaN."""
    share = scale.place(values)
    finite = ~np.isnan(share)
    levels = np.full(len(share), -1, np.int32)
    levels[finite] = np.minimum(share[finite] * LEVELS, LEVELS - 1)
    return levels


@lru_cache(maxsize=1)
def level_colours() -> tuple[str, ...]:
    """`#rrggbb` of each level, lowest first."""
    stops = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in RAMP])
    at = np.linspace(0, len(RAMP) - 1, LEVELS)
    mixed = np.stack([np.interp(at, np.arange(len(RAMP)), channel) for channel in stops.T], axis=1)
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(mixed).astype(int))
