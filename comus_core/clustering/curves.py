"""Estimates of the number of clusters, to be stored and shown. Imports only NumPy, for pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.config import NumberBy
from comus_core.types import FloatArray

CurveName = NumberBy  # the estimates that the settings can choose


@dataclass(frozen=True, eq=False)
class Curve:
    """One estimate of the number of clusters.

    Attributes:
        name: see `CurveName`.
        x: (g,) the number of clusters; for `leiden` the resolution, for `evoc` the layer from the finest.
        value: (g,) corrected stability, gap between neighbouring eigenvalues, number of communities, mean silhouette
            after UMAP, or number of clusters.
        suggestion: the number of clusters, or None.
        reason: the reason for the suggestion, or why there is none.
    """

    name: CurveName
    x: FloatArray
    value: FloatArray
    suggestion: int | None
    reason: str


@dataclass(frozen=True, eq=False)
class HowMany:
    """The estimated number of clusters of n vectors.

    Attributes:
        clusters: the number that `auto` uses.
        reason: why, in a sentence.
        points: number of vectors used.
        curves: stability, eigengap, Leiden, silhouette, EVōC; empty if there are too few vectors.
    """

    clusters: int
    reason: str
    points: int
    curves: tuple[Curve, ...]

    @property
    def silhouette(self) -> float | None:
        """The best mean silhouette after UMAP, -1 to 1, by which encoders can be compared; None if there is none."""
        return next((float(c.value.max()) for c in self.curves if c.name == "silhouette" and len(c.value)), None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        curves = [{**vars(c), "x": c.x.tolist(), "value": c.value.tolist()} for c in self.curves]
        return {**vars(self), "curves": curves}

    @staticmethod
    def from_json(values: dict[str, Any]) -> HowMany:
        """The estimate from `to_json`."""
        curves = tuple(Curve(**{**c, "x": np.array(c["x"]), "value": np.array(c["value"])}) for c in values["curves"])
        return HowMany(**{**values, "curves": curves})
