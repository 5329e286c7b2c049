"""The bilateral solver against plain loops over pixels and a dense solver."""

import numpy as np
import pytest

from comus_core.config.formulas import BilateralSettings
from comus_core.saliency.refinement.bilateral import YUV, balanced, bilateral_grid, refine, solve

COARSE = {"spatial": 3.0, "luma": 40.0, "chroma": 30.0, "smoothness": 20.0, "confidence": 0.7}
EXACT = BilateralSettings(**COARSE, iterations=2000, tolerance=1e-12)


@pytest.fixture(scope="module")
def image():
    coarse = np.random.default_rng(0).integers(0, 256, (3, 4, 3))
    noise = np.random.default_rng(1).integers(-20, 21, (9, 12, 3))
    return np.clip(np.kron(coarse, np.ones((3, 3, 1))) + noise, 0, 255).astype(np.uint8)


def by_loops(image, settings):
    """(vertex of each pixel, dense blur) by comparing cells pair by pair."""
    cells = []
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            luma, u, v = YUV @ image[y, x] + (0, 128, 128)
            place = (y / settings.spatial, x / settings.spatial, luma / settings.luma, u / settings.chroma)
            cells.append(tuple(int(p) for p in (*place, v / settings.chroma)))
    vertices = sorted(set(cells))
    blur = np.zeros((len(vertices), len(vertices)))
    for i, one in enumerate(vertices):
        for j, other in enumerate(vertices):
            apart = np.abs(np.subtract(one, other))
            blur[i, j] = 10 if i == j else float(apart.sum() == 1)
    return np.array([vertices.index(cell) for cell in cells]), blur


def test_the_grid_joins_pixels_of_a_cell_and_neighbouring_cells(image):
    vertex, blur = by_loops(image, EXACT)
    grid = bilateral_grid(image, EXACT)
    ours = np.asarray(grid.splat.argmax(axis=0)).ravel()
    order = [int(ours[np.flatnonzero(vertex == i)[0]]) for i in range(len(blur))]  # theirs -> ours
    assert grid.splat.shape == (len(blur), 108) and grid.splat.sum() == 108
    assert np.array_equal(np.array(order)[vertex], ours)
    assert np.array_equal(grid.blur.toarray()[np.ix_(order, order)], blur) and (blur == 1).any()


def test_the_solution_is_that_of_a_dense_solver(image):
    vertex, blur = by_loops(image, EXACT)
    soft = np.random.default_rng(2).random((9, 12)).astype(np.float32)
    pixels = np.bincount(vertex).astype(float)
    scale = np.ones(len(pixels))
    for _ in range(10):
        scale = np.sqrt(scale * pixels / (blur @ scale))
    smooth = np.diag(scale * (blur @ scale)) - scale[:, None] * blur * scale[None]
    matrix = EXACT.smoothness * smooth + np.diag(0.7 * pixels)
    right = 0.7 * np.bincount(vertex, soft.ravel().astype(float))
    expected = np.linalg.solve(matrix, right)[vertex].reshape(9, 12)
    assert np.allclose(refine(soft, image, EXACT), expected, atol=1e-5)
    assert np.abs(expected - soft).max() > 0.1


def test_the_solution_has_the_least_cost(image):
    """Σ over neighbours w (yᵢ − yⱼ)² λ / 2 + Σ over pixels c (y − t)², against random steps away from it."""
    grid, rng = bilateral_grid(image, EXACT), np.random.default_rng(3)
    target = rng.random(108)
    weights = grid.scale[:, None] * grid.blur.toarray() * grid.scale[None]

    def cost(y):
        pairs = (weights * (y[:, None] - y[None]) ** 2).sum()
        return EXACT.smoothness * pairs / 2 + EXACT.confidence * ((grid.splat.T @ y - target) ** 2).sum()

    best = solve(grid, target, EXACT)
    assert all(cost(best) < cost(best + 1e-3 * rng.normal(size=len(best))) for _ in range(50))


def test_the_blur_is_balanced_to_the_pixels_of_each_vertex(image):
    grid = bilateral_grid(image, EXACT)
    pixels = np.asarray(grid.splat.sum(axis=1)).ravel()
    scale, mass = balanced(grid.blur, pixels)
    assert np.allclose(mass, pixels, rtol=0.05) and np.array_equal(scale, grid.scale)
    assert np.allclose(mass, scale * (grid.blur @ scale))


def test_the_usual_iterations_come_near_the_exact_solution():
    rng = np.random.default_rng(4)
    image = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    soft = rng.random((96, 128)).astype(np.float32)
    exact = refine(soft, image, BilateralSettings(iterations=5000, tolerance=1e-12))
    assert np.abs(refine(soft, image) - exact).max() < 0.02
