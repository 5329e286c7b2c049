"""Crops: drawn as torchvision draws them, image and mask alike, no index that was not there."""

import numpy as np
import pytest
import torch
from torchvision.transforms import RandomResizedCrop

from comus_core.training import TRAINING_PRESETS, make_training
from comus_core.training.crops import RATIO, draw_crop, training_crop
from comus_core.training.settings import OptimisationSettings

SHAPES = [(375, 500), (333, 500), (500, 375), (100, 700)]


def areas_of_ours(shape, scale, draws=4000):
    rng = np.random.default_rng(0)
    boxes = [draw_crop(rng, *shape, *scale) for _ in range(draws)]
    for top, left, height, width in boxes:
        assert 0 <= top <= shape[0] - height and 0 <= left <= shape[1] - width and height > 0 and width > 0
    return np.array([h * w / (shape[0] * shape[1]) for _, _, h, w in boxes])


def areas_of_torchvision(shape, scale, draws=4000):
    torch.manual_seed(0)
    image = torch.zeros(1, *shape)
    boxes = [RandomResizedCrop.get_params(image, list(scale), list(RATIO)) for _ in range(draws)]
    return np.array([h * w / (shape[0] * shape[1]) for _, _, h, w in boxes])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("preset", TRAINING_PRESETS)
def test_the_areas_are_distributed_as_torchvisions(shape, preset):
    settings = make_training(preset).optimisation
    scale = settings.area_least, settings.area_most
    ours, theirs = np.sort(areas_of_ours(shape, scale)), np.sort(areas_of_torchvision(shape, scale))
    grid = np.linspace(0, 1.01, 300)
    apart = np.abs(np.searchsorted(ours, grid) - np.searchsorted(theirs, grid)).max() / len(ours)
    assert apart < 1.63 * np.sqrt(2 / len(ours))  # Kolmogorov–Smirnov at 1 %


def test_the_papers_scale_of_half_to_two_never_leaves_the_image_and_often_takes_its_middle():
    areas = areas_of_ours((375, 500), (0.5, 2.0))
    assert areas.min() > 0.49 and areas.max() <= 1.0
    whole = (areas > 0.995).mean()  # 4:3 fits the ratio, so the fallback is the whole image
    assert 0.10 < whole < 0.20 and 0.62 < areas.mean() < 0.80


def test_image_and_mask_are_cut_and_mirrored_alike():
    y, x = np.mgrid[:90, :120]
    image = np.stack([2 * x, 2 * y, 0 * x], -1).astype(np.uint8)
    mask = (x // 12 + 10 * (y // 9)).astype(np.uint8)
    for seed in range(40):
        settings = OptimisationSettings(crop=96)
        pixels, labels = training_crop(image, mask, settings, np.random.default_rng(seed))
        columns, rows = pixels[0].float() / 2, pixels[1].float() / 2
        expected = (columns / 12).floor() + 10 * (rows / 9).floor()
        assert (labels == expected).float().mean() > 0.85  # all but the pixels on a border between two cells
        assert pixels.shape == (3, 96, 96) and pixels.dtype == torch.uint8 and labels.dtype == torch.int64


def test_a_mask_gets_no_new_index_and_a_mirrored_one_occurs_as_often_as_not():
    mask = np.zeros((50, 60), np.uint8)
    mask[:, :20], mask[:, 40:] = 7, 255
    image = np.zeros((50, 60, 3), np.uint8)
    left = 0
    for seed in range(200):
        _, labels = training_crop(image, mask, OptimisationSettings(crop=32), np.random.default_rng(seed))
        assert set(labels.unique().tolist()) <= {0, 7, 255}
        if {7, 255} <= set(labels.unique().tolist()):
            left += int((labels == 7).nonzero()[:, 1].float().mean() > (labels == 255).nonzero()[:, 1].float().mean())
    assert 60 < left < 140


def test_jitter_recolours_the_image_and_leaves_the_mask():
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    mask = np.arange(64 * 64).reshape(64, 64) % 5
    plain, recoloured = (
        training_crop(image, mask, OptimisationSettings(crop=64, jitter=jitter), np.random.default_rng(3))
        for jitter in (0.0, 0.4)
    )
    assert torch.equal(plain[1], recoloured[1]) and not torch.equal(plain[0], recoloured[0])
