"""Points made ready to be searched: moved to their centre and scaled, in a random order, with bounds on rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.machine.threads import row_blocks
from comus_core.types import FloatArray, IntArray, Vectors


@dataclass(frozen=True, eq=False)
class SearchPoints:
    """n points; all but `points` in the order `order`: sorted points would come ever nearer, and all be kept.

    With float32 products p.q of `centred`, |p|^2 + |q|^2 - 2 p.q is off by less than the sum of both points' `slack`,
    2 (d + 16) eps |p|^2, with room.

    Attributes:
        points: (n, d) finite float32, as they came.
        centred: (n, d) float32.
        square: (n,) float32 squared lengths.
        slack: (n,) float32 bounds on the rounding error.
        order: (n,) int64, which of `points` each is.
        centre: (d,) float64, what was subtracted.
        scale: () float64, what was then divided by.
    """

    points: Vectors
    centred: Vectors
    square: FloatArray
    slack: FloatArray
    order: IntArray
    centre: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, points: Vectors) -> SearchPoints:
        """Of (n, d) finite float32 points, n > 0."""
        order = np.random.default_rng(0).permutation(len(points))
        centre = points.mean(axis=0, dtype=np.float64)
        scale = max(float(np.abs(points[rows] - centre).max()) for rows in row_blocks(len(points))) or 1.0
        return cls(points, *_moved(points, order, centre, scale), order, centre, np.array(scale))

    @classmethod
    def among(cls, arrays: Mapping[str, Any]) -> SearchPoints:
        """Those that `arrays` gave, which may lie among others."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def arrays(self) -> dict[str, Any]:
        """Its arrays by name, for another process."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def moved(self, queries: Vectors) -> tuple[Vectors, FloatArray, FloatArray]:
        """Other points (m, d) moved and scaled likewise, their squared lengths and slacks."""
        return _moved(queries, np.arange(len(queries)), self.centre, float(self.scale))


def _moved(
    points: Vectors, order: IntArray, centre: FloatArray, scale: float
) -> tuple[Vectors, FloatArray, FloatArray]:
    centred = np.empty(points.shape, np.float32)
    square = np.empty(len(points))
    for rows in row_blocks(len(points)):
        wide = (points[order[rows]] - centre) / scale
        centred[rows], square[rows] = wide, np.einsum("ij,ij->i", wide, wide)
    error = 2 * (points.shape[1] + 16) * float(np.finfo(np.float32).eps)
    return centred, square.astype(np.float32), (error * square).astype(np.float32)
