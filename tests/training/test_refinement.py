"""Prediction with the guided filter: borders that move to the photograph's edges, and what that costs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from comus_core import open_workspace
from comus_core.pipelines.training_cost import GUIDED_SECONDS, TrainingImages, remember_speed, training_cost
from comus_core.training import make_training
from comus_core.training.prediction import predict
from comus_core.training.settings import PredictionSettings


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
