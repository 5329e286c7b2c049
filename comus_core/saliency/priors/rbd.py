"""`rbd`: saliency optimisation from robust background detection (Zhu et al., CVPR 2014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comus_core.saliency.priors.picture import Picture, scaled
from comus_core.saliency.priors.prior import SUPERPIXELS, prior_spec
from comus_core.types import BoolMask, FloatArray, SoftMap

NAME = "rbd"
Matrix = NDArray[np.float64]


def rbd_map(picture: Picture) -> SoftMap:
    """What does not reach the border of the image along like colours, and contrasts with what does.

    Returns:
        (h, w) float32 in [0, 1], stretched.
    """
    from comus_core.saliency.priors.superpixels import distances

    settings, constants = picture.settings, picture.settings.rbd
    found = picture.superpixels(settings.superpixels, settings.compactness)
    colour, linked = found.colour_distance, found.linked
    connectivity = boundary_connectivity(
        geodesics(colour, found.touching, found.border), found.border, constants.colour
    )
    background = 1 - np.exp(-(connectivity**2) / (2 * constants.connectivity**2))  # eq. 6
    near = np.exp(-(distances(found.centre) ** 2) / (2 * constants.space**2))
    contrast = without_low(scaled((colour * near) @ background))  # eq. 7
    alike = np.exp(-(colour**2) / (2 * constants.colour**2)) + constants.smoothness  # eq. 9
    optimal = optimum(constants.background * background, contrast, np.where(linked, alike, 0.0))
    return found.spread(scaled(optimal))


def geodesics(colour: Matrix, touching: BoolMask, border: BoolMask) -> Matrix:
    """(n, n) lengths of the shortest paths over superpixels that touch; all those on the border touch each other.

    An edge is as long as its colours are apart, less the mean distance of a superpixel's colour from its most similar
    neighbour's: many small steps along a smooth gradient are no distance (Wei et al. 2012).
    """
    edges = touching | np.outer(border, border)
    nearest = np.where(touching, colour, np.inf).min(axis=1)
    nearest = nearest[np.isfinite(nearest)]  # a single superpixel touches none
    least = nearest.mean() if len(nearest) else 0.0
    lengths = np.where(edges, np.maximum(colour - least, 0), np.inf)
    np.fill_diagonal(lengths, 0)
    return shortest_paths(lengths)


def shortest_paths(lengths: Matrix) -> Matrix:
    """(n, n) lengths of the shortest paths, by Floyd and Warshall: `lengths` of edges, infinite where there is none."""
    found = lengths.copy()
    for middle in range(len(found)):
        np.minimum(found, found[:, middle, None] + found[middle], out=found)
    return found


def boundary_connectivity(geodesic: Matrix, border: BoolMask, colour: float) -> Matrix:
    """(n,) length of a soft region's part of the border over the root of its area (eqs. 3 to 5)."""
    same = np.exp(-(geodesic**2) / (2 * colour**2))
    return np.asarray(same[:, border].sum(axis=1) / np.sqrt(same.sum(axis=1)))


def without_low(values: FloatArray) -> FloatArray:
    """(n,) values with those below Otsu's threshold set to zero, as in the published code."""
    from skimage.filters import threshold_otsu

    return np.where(values < threshold_otsu(values), 0, values) if np.ptp(values) > 0 else values


def optimum(background: FloatArray, foreground: FloatArray, weights: Matrix) -> Matrix:
    """The (n,) values s that minimise Σ b s² + Σ f (s − 1)² + Σ over pairs w (sᵢ − sⱼ)² (eq. 8).

    `background` b and `foreground` f are (n,), `weights` w (n, n), symmetric. Where nothing is foreground, s is zero.
    """
    if not foreground.any():
        return np.zeros(len(foreground))
    laplacian = np.diag(weights.sum(axis=1)) - weights
    tied = np.maximum(background + foreground, 1e-9)  # a part without any tie would leave the solution open
    return np.asarray(np.linalg.solve(laplacian + np.diag(tied), foreground.astype(np.float64)))


SPEC = prior_spec(
    NAME,
    "robust background detection: what contrasts with the border of the image; learns nothing",
    rbd_map,
    (*SUPERPIXELS, NAME),
    seconds=0.03,
)
