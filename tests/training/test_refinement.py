"""The guided filter, against a ridge regression in every window; borders that move to the photograph's edges."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from comus_core import open_workspace
from comus_core.pipelines.training_cost import GUIDED_SECONDS, TrainingImages, remember_speed, training_cost
from comus_core.training import make_training
from comus_core.training.prediction import predict
from comus_core.training.refinement import GuidedFilter, box_mean
from comus_core.training.settings import PredictionSettings


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


def photograph(height, width, edge):
    """Two noisy colours that meet at a column."""
    rng = np.random.default_rng(1)
    image = np.full((height, width, 3), (60, 90, 70))
    image[:, edge:] = (150, 80, 110)
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


class Halves(nn.Module):
    """Two categories whose border is in the middle of the image, blurred, wherever the photograph has its edge."""

    def forward(self, pixels):
        n, _, height, width = pixels.shape
        ramp = torch.linspace(-3, 3, width).expand(n, 1, height, width)
        return torch.cat([-ramp, ramp], 1)


@pytest.mark.parametrize("resize", ["keep", "squash"])
@pytest.mark.parametrize("size", [(96, 128), (300, 400)])
def test_a_border_moves_to_the_edge_of_the_photograph_beside_it(resize, size):
    height, width = size
    edge = width // 2 + width // 20
    image, truth = photograph(height, width, edge), np.tile(np.arange(width) >= edge, (height, 1))
    settings = PredictionSettings(size=128, resize=resize, flip=False)
    plain, _ = predict(Halves(), [image], settings)[0]
    refined, confidence = predict(Halves(), [image], replace(settings, refine="guided"))[0]
    assert (plain != truth).mean() > 0.045
    assert (refined != truth).mean() < 0.015
    assert refined.shape == confidence.shape == size and confidence.min() >= 0 and confidence.max() <= 1


def test_with_refinement_many_images_of_different_sizes_are_what_each_is_alone():
    images = [photograph(60, 90, 50), photograph(50, 40, 22), photograph(60, 90, 40)]
    settings = PredictionSettings(size=64, refine="guided")
    for image, (mask, confidence) in zip(images, predict(Halves(), images, settings), strict=True):
        alone = predict(Halves(), [image], settings)[0]
        assert np.array_equal(alone[0], mask) and np.allclose(alone[1], confidence, atol=1e-6)


def test_refinement_costs_time_of_prediction_by_its_pixels_and_none_of_training(tmp_path):
    workspace = open_workspace(tmp_path)

    def more(size):
        settings = (
            make_training(preview_every=0, prediction={"size": size, "refine": refine}) for refine in ("none", "guided")
        )
        plain, refined = (training_cost(each, TrainingImages(50), workspace) for each in settings)
        assert refined.training == plain.training
        return refined.predicting - plain.predicting

    remember_speed(workspace, make_training(), "cpu", 10.0)
    assert more(224) == pytest.approx(50 * GUIDED_SECONDS / 4) and more(448) == pytest.approx(50 * GUIDED_SECONDS)
