"""`mc`: saliency by the absorbed time of a Markov chain (Jiang et al., ICCV 2013)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comus_core.saliency.priors.picture import Picture, scaled
from comus_core.saliency.priors.prior import SUPERPIXELS, prior_spec
from comus_core.types import BoolMask, FloatArray, SoftMap

NAME = "mc"
BINS = 10  # of the map's histogram that tells whether it is mixed (section 4.2)
Matrix = NDArray[np.float64]


def mc_map(picture: Picture) -> SoftMap:
    """How long a random walk over superpixels takes until it leaves the image over its border.

    Returns:
        (h, w) float32 in [0, 1], stretched.
    """
    settings, constants = picture.settings, picture.settings.mc
    found = picture.superpixels(settings.superpixels, settings.compactness)
    affinity = affinities(found.colour_distance, found.linked, constants.colour)
    times = scaled(absorbed_times(affinity, found.border))
    if mixedness(times) >= constants.mixed:
        times = scaled(absorbed_times(affinity, found.border, affinity.sum() / affinity.sum(axis=1)))
    return found.spread(times)


def affinities(colour: Matrix, linked: BoolMask, falls: float) -> Matrix:
    """(n, n) exp(−d / `falls`), d the distance of colours stretched to 0…1 over the edges; 1 with itself (eq. 3)."""
    weights = np.zeros(colour.shape)
    if linked.any():
        weights[linked] = np.exp(-scaled(colour[linked]).astype(np.float64) / falls)
    np.fill_diagonal(weights, 1)
    return weights


def absorbed_times(affinity: Matrix, border: BoolMask, weights: FloatArray | None = None) -> Matrix:
    """(n,) expected steps until absorption: (I − Q)⁻¹ 1 (eq. 2); each step in a state counts its weight.

    Each superpixel of the border has an absorbing double with its edges, and an edge to that double as to itself.
    """
    degree = affinity.sum(axis=1) + affinity[:, border].sum(axis=1)
    passing = np.eye(len(affinity)) - affinity / degree[:, None]
    return np.asarray(np.linalg.solve(passing, np.ones(len(affinity)) if weights is None else weights))


def mixedness(times: FloatArray) -> float:
    """Mean distance of the values from the nearer of black and white, in tenths, 1 at the ends (eq. 8).

    A map with much between them has a long-range smooth background, which holds a walk for long: times are then
    weighted by the inverse of the chain's equilibrium (section 4.2).
    """
    tenth = np.minimum((times * BINS).astype(int), BINS - 1)
    return float(np.minimum(tenth + 1, BINS - tenth).mean())


SPEC = prior_spec(
    NAME,
    "absorbing Markov chain: where a random walk is long on its way to the border; learns nothing",
    mc_map,
    (*SUPERPIXELS, NAME),
    seconds=0.02,
)
