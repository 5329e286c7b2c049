"""The guided filter, against a ridge regression in every window."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from comus_core.config.formulas import GuidedSettings
from comus_core.saliency.refinement.guided import GuidedFilter, box_mean, refine


def by_regression(guide, plane, radius, epsilon):
    """Each window's affine function by least squares on stacked equations; each pixel the mean of its windows'."""
    height, width = plane.shape
    total, windows = np.zeros_like(plane), np.zeros_like(plane)
    for y in range(height):
        for x in range(width):
            box = (slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1))
            colours, shares = guide[:, box[0], box[1]].reshape(3, -1).T, plane[box].ravel()
            n = len(shares)
            rows = np.column_stack([colours, np.ones(n)])
            penalty = np.column_stack([np.sqrt(epsilon * n) * np.eye(3), np.zeros(3)])
            solved = np.linalg.lstsq(np.vstack([rows, penalty]), np.append(shares, np.zeros(3)), rcond=None)[0]
            total[box] += (rows @ solved).reshape(total[box].shape)
            windows[box] += 1
    return total / windows


@pytest.mark.parametrize(("size", "radius", "epsilon"), [((17, 23), 3, 1e-3), ((9, 12), 5, 1e-2), ((6, 5), 9, 1e-4)])
def test_it_is_the_mean_of_ridge_regressions_in_all_windows_around_a_pixel(size, radius, epsilon):
    rng = np.random.default_rng(0)
    guide = np.round(rng.uniform(0, 255, (3, *size)))
    plane = 0.3 + 0.4 * rng.random(size)  # never cut off at 0 or 1
    found = GuidedFilter(torch.from_numpy(guide), radius, epsilon).refine(torch.from_numpy(plane).float())
    expected = by_regression(guide / 255, plane, radius, epsilon)
    assert expected.min() > 0 and expected.max() < 1
    assert np.abs(found.numpy() - expected).max() < 1e-4


@pytest.mark.parametrize("radius", [1, 4, 30])
def test_the_mean_of_a_window_is_that_of_its_pixels_inside_the_image(radius):
    planes = torch.rand(2, 13, 19, generator=torch.Generator().manual_seed(0))
    kernel = torch.ones(1, 1, 2 * radius + 1, 2 * radius + 1)
    sums, counts = (functional.conv2d(p[:, None], kernel, padding=radius) for p in (planes, torch.ones(1, 13, 19)))
    assert torch.allclose(box_mean(planes, radius), (sums / counts)[:, 0], atol=1e-6)


def test_shares_that_sum_to_one_still_do():
    generator = torch.Generator().manual_seed(0)
    guide = torch.randint(0, 256, (3, 40, 50), generator=generator)
    smooth = functional.interpolate(torch.randn(1, 5, 4, 5, generator=generator), (40, 50), mode="bilinear")[0]
    refine = GuidedFilter(guide, 4).refine
    refined = torch.stack([refine(plane) for plane in smooth.softmax(0)])
    assert torch.allclose(refined.sum(0), torch.ones(40, 50), atol=2e-3)


def test_a_plane_that_is_nowhere_likely_is_only_enlarged():
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, 80, 100), generator=generator)
    refine = GuidedFilter(functional.avg_pool2d(image.float(), 2), 4).refine
    plane = 0.2 * torch.rand(40, 50, generator=generator)
    enlarged = functional.interpolate(plane[None, None], (80, 100), mode="bilinear")[0, 0]
    assert torch.equal(refine(plane, image, least=0.21), enlarged)
    assert torch.equal(refine(plane, image, least=0.19), refine(plane, image))
    assert not torch.allclose(refine(plane, image), enlarged, atol=0.02)


def test_a_soft_map_is_refined_as_in_a_loop_over_windows():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (15, 18, 3)).astype(np.uint8)
    soft = (0.3 + 0.4 * rng.random((15, 18))).astype(np.float32)
    found = refine(soft, image, GuidedSettings(radius=4, epsilon=0.01))
    expected = by_regression(image.transpose(2, 0, 1) / 255, soft.astype(float), 4, 0.01)
    assert found.dtype == np.float32 and np.abs(found - expected).max() < 1e-4
