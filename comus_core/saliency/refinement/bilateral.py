"""The fast bilateral solver (Barron and Poole, ECCV 2016): a map that is smooth where the image is.

Pixels of like place and colour share a vertex of a grid. The map is sought on the vertices: it stays near the given one
and changes little between neighbouring vertices, which is one sparse linear system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import LinearOperator, cg

from comus_core.config.formulas import BilateralSettings
from comus_core.types import FloatArray, RgbImage, SoftMap

LEAST_DIAGONAL = 1e-5  # of the preconditioner, as in TokenCut
BALANCING = 10  # iterations that make the blur doubly stochastic (algorithm 1 of the supplement)
# Luma and two chromas of ITU-R BT.601, all in 0…255.
YUV = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


@dataclass(frozen=True, eq=False)
class Grid:
    """The bilateral grid of an image.

    Attributes:
        splat: (v, n) CSR of ones: which of the v vertices each of the n pixels is at.
        blur: (v, v) CSR, symmetric: each vertex with itself and the neighbours it has in each of five dimensions.
        scale: (v,) what makes `scale` blur `scale` sum to `mass` in each row, as the pixels of the vertices do.
        mass: (v,) those sums.
    """

    splat: Any
    blur: Any
    scale: NDArray[np.float64]
    mass: NDArray[np.float64]


def refine(soft: SoftMap, image: RgbImage, constants: BilateralSettings = BilateralSettings()) -> SoftMap:
    """A soft map whose borders follow the edges of the image: (h, w) float32 in [0, 1], `image` (h, w, 3) uint8."""
    grid = bilateral_grid(image, constants)
    solved = solve(grid, soft.reshape(-1).astype(np.float64), constants)
    return np.asarray(np.clip(grid.splat.T @ solved, 0, 1), np.float32).reshape(soft.shape)


def solve(grid: Grid, target: NDArray[np.float64], constants: BilateralSettings) -> NDArray[np.float64]:
    """The (v,) map y on the vertices by conjugate gradients: (λ (Dₘ − Dₙ B Dₙ) + diag(S c)) y = S (c t) (eqs. 6 to 8).

    `target` t are the (n,) values of the given map, c their confidence.
    """
    matrix, right = system(grid, target, constants)
    confident = constants.confidence * np.asarray(grid.splat.sum(axis=1)).ravel()
    diagonal = np.maximum(matrix.diagonal(), LEAST_DIAGONAL)
    jacobi = LinearOperator(matrix.shape, matvec=lambda x: x.ravel() / diagonal)
    found, _ = cg(matrix, right, x0=right / confident, rtol=constants.tolerance, maxiter=constants.iterations, M=jacobi)
    return np.asarray(found)


def system(grid: Grid, target: FloatArray, constants: BilateralSettings) -> tuple[Any, NDArray[np.float64]]:
    """Matrix, (v, v) CSR, and right side, (v,), of what `solve` solves."""
    smooth = diags(grid.mass) - diags(grid.scale) @ grid.blur @ diags(grid.scale)
    confident = constants.confidence * np.asarray(grid.splat.sum(axis=1)).ravel()
    matrix = (constants.smoothness * smooth + diags(confident)).tocsr()
    return matrix, np.asarray(constants.confidence * (grid.splat @ target))


def bilateral_grid(image: RgbImage, constants: BilateralSettings) -> Grid:
    """The grid of an (h, w, 3) image over y, x, luma and two chromas (section 2.2)."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width]
    colours = image.reshape(-1, 3).astype(np.float64) @ YUV.T + (0, 128, 128)
    widths = constants.spatial, constants.spatial, constants.luma, constants.chroma, constants.chroma
    places = np.column_stack([y.ravel(), x.ravel(), colours]) / widths
    cells = places.astype(np.int64)
    # One number a cell, with a free layer in each dimension, so that a step beyond the last cell is no other cell.
    steps = np.cumprod([1, *(cells.max(axis=0)[:-1] + 2)])
    vertices, vertex = np.unique(cells @ steps, return_inverse=True)
    count, pixels = len(vertices), height * width
    splat = csr_matrix((np.ones(pixels), (vertex.ravel(), np.arange(pixels))), (count, pixels))
    blur = 2.0 * len(steps) * diags(np.ones(count), format="csr")
    for step in steps:
        blur = blur + _neighbours(vertices, int(step))
    return Grid(splat, blur, *balanced(blur, np.asarray(splat.sum(axis=1)).ravel()))


def balanced(blur: Any, pixels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(scale, mass) that make the blur nearly doubly stochastic for `pixels` at each vertex: see `Grid`."""
    scale = np.ones(len(pixels))
    for _ in range(BALANCING):
        scale = np.sqrt(scale * pixels / (blur @ scale))
    return scale, scale * (blur @ scale)


def _neighbours(vertices: NDArray[np.int64], step: int) -> Any:
    """(v, v) CSR of ones between vertices whose numbers are `step` apart."""
    place = np.searchsorted(vertices, vertices + step)
    there = np.flatnonzero(vertices[np.minimum(place, len(vertices) - 1)] == vertices + step)
    forth = csr_matrix((np.ones(len(there)), (there, place[there])), (len(vertices), len(vertices)))
    return forth + forth.T
