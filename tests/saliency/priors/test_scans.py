"""The scans of MBD against brute force, its maps of the border and the centre, and its smoothing."""

import heapq

import numpy as np
import pytest
from skimage.morphology import reconstruction

from comus_core.config.formulas import MbdSettings
from comus_core.saliency.priors import mbd
from comus_core.saliency.priors.scans import barrier_distance, reconstruct


def exact(plane):
    """The minimum barrier distance by its definition: for each lowest value, the lowest highest value on a path."""
    height, width = plane.shape
    found = np.full(plane.shape, np.inf)
    for low in np.unique(plane):
        top = np.full(plane.shape, np.inf)
        border = {(y, x) for y in range(height) for x in range(width) if y in (0, height - 1) or x in (0, width - 1)}
        heap = [(plane[p], p) for p in border if plane[p] >= low]
        for value, p in heap:
            top[p] = value
        heapq.heapify(heap)
        while heap:
            value, (y, x) = heapq.heappop(heap)
            for p in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= p[0] < height and 0 <= p[1] < width and plane[p] >= low and max(value, plane[p]) < top[p]:
                    top[p] = max(value, plane[p])
                    heapq.heappush(heap, (top[p], p))
        found = np.minimum(found, top - low)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_scanned_distances_are_never_below_the_exact_ones_and_near_them(seed):
    plane = np.random.default_rng(seed).integers(0, 8, (9, 11)).astype(np.float32)
    found, true = barrier_distance(plane, 3), exact(plane)
    assert (found >= true).all() and not found[0].any() and not found[:, -1].any()
    assert (found == true).mean() > 0.75 and np.abs(found - true).mean() < 0.5
    assert (barrier_distance(plane, 9) <= found).all()


def test_scanned_distances_are_exact_where_paths_are_plain():
    step = np.zeros((12, 15), np.float32)
    step[3:8, 4:11], step[5, 6] = 5, 2
    cone = np.maximum(6 - np.hypot(*np.mgrid[-7:8, -7:8]), 0).astype(np.float32)
    for plane in (step, cone, np.full((6, 6), 3, np.float32), np.tile(np.arange(9, dtype=np.float32), (7, 1))):
        assert np.array_equal(barrier_distance(plane, 3), exact(plane).astype(np.float32))


def test_a_winding_corridor_needs_more_scans():
    wall = np.full((9, 11), 9, np.float32)
    wall[[1, 2, 3, 4, 5, 6, 7], [5] * 7] = 0
    wall[0] = wall[:, 0] = wall[:, -1] = wall[-1] = 9
    wall[8, 5] = 0
    assert np.array_equal(barrier_distance(wall, 2), exact(wall)) and barrier_distance(wall, 1)[4, 5] > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (5, 1)])
def test_images_that_are_all_border_have_no_barrier(size):
    assert not barrier_distance(np.random.default_rng(0).random(size).astype(np.float32), 3).any()


@pytest.mark.parametrize("seed", range(4))
def test_reconstruction_is_that_of_scikit_image(seed):
    rng = np.random.default_rng(seed)
    limit = rng.random((23, 31)).astype(np.float32)
    marker = np.where(rng.random(limit.shape) < 0.05, limit, 0).astype(np.float32)
    expected = reconstruction(marker, limit, method="dilation", footprint=np.ones((3, 3)))
    assert np.array_equal(reconstruct(marker, limit), expected.astype(np.float32))


def test_smoothing_removes_spots_below_its_width_and_keeps_the_borders_of_larger_ones():
    plane = np.full((40, 60), 0.2, np.float32)
    plane[10:30, 15:45] = 0.9
    large = plane.copy()
    plane[3:5, 3:6], plane[20:22, 20:23] = 1.0, 0.1  # a bright spot outside and a dark one inside
    assert np.array_equal(mbd.smoothed(plane, 7), large)


def test_backgroundness_is_mahalanobis_distance_to_all_borders_but_the_most_unlike():
    rng = np.random.default_rng(0)
    colours, constants = 255 * rng.random((20, 30, 3)), MbdSettings(margin=0.2, regularisation=40.0)
    borders = (colours[:4], colours[-4:], colours[:, :6], colours[:, -6:])
    each = []
    for border in borders:
        flat = border.reshape(-1, 3)
        inverse = np.linalg.inv(np.cov(flat.T, bias=True) + 40 * np.eye(3))
        away = [[np.sqrt((c - flat.mean(0)) @ inverse @ (c - flat.mean(0))) for c in row] for row in colours]
        each.append(np.array(away) / np.max(away))
    expected = np.sort(each, axis=0)[:3].sum(axis=0)
    assert np.allclose(mbd.backgroundness(colours, constants), expected)


def test_centredness_falls_from_the_centre_to_the_corners():
    found = mbd.centredness((11, 21))
    assert found[5, 10] == 1 and np.allclose(found[[0, 0, -1, -1], [0, -1, 0, -1]], 0)
    assert np.allclose(found[5, 15], 1 - 5 / np.hypot(5, 10)) and mbd.centredness((1, 1)) == 1


def test_contrast_is_a_sigmoid_about_the_middle_of_dark_and_bright():
    plane = np.array([[0.0, 0.2], [0.6, 1.0]], np.float32)
    assert np.allclose(mbd.contrasted(plane, 10.0), 1 / (1 + np.exp(-10 * (plane - 0.45))))
