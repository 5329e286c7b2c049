"""Soft labels: at the place of their pixels through crop, resize and flip; learned as cross-entropy says."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from comus_core.training.crops import training_crop
from comus_core.training.examples import BatchPlan, Examples, batches
from comus_core.training.prediction import predict
from comus_core.training.settings import OptimisationSettings, PredictionSettings
from comus_core.training.soft_labels import (
    BYTES_MOST,
    coarse_planes,
    cropped_planes,
    planes_from_png,
    planes_to_png,
    summed_loss,
)
from comus_core.training.step import RoundSetup, add_gradients
from tests.training.tiny import IGNORE, Tiny, tiny_network


def drawn_planes(shape, seed=0):
    shares = np.random.default_rng(seed).dirichlet(np.ones(shape[0]), shape[1:])
    return np.round(np.moveaxis(shares, -1, 0) * 255).astype(np.uint8)


def test_planes_are_the_means_of_the_heads_cells_and_come_back_from_their_file():
    shares = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(0))
    planes = coarse_planes(shares, 16)
    expected = shares.numpy().reshape(3, 3, 16, 4, 16).mean(axis=(2, 4)) * 255
    assert planes.dtype == np.uint8 and np.abs(planes - expected).max() <= 0.51
    assert np.array_equal(planes_from_png(planes_to_png(planes), 3), planes)


def test_very_many_categories_are_kept_more_coarsely():
    planes = coarse_planes(torch.full((6000, 64, 64), 1 / 6000), 4)
    assert planes.shape == (6000, 8, 8) and planes.size <= BYTES_MOST


def test_where_a_crop_has_the_images_pixels_its_planes_are_a_part_of_the_enlarged_ones():
    planes = drawn_planes((4, 5, 7))
    whole = functional.interpolate(torch.from_numpy(planes)[None].float(), (70, 98), mode="bilinear")[0].numpy()
    found = cropped_planes(planes, (70, 98), (11, 23, 40, 40), 40).numpy()
    assert found.dtype == np.uint8 and np.abs(found - whole[:, 11:51, 23:63]).max() <= 0.501


@pytest.mark.parametrize("seed", range(12))
def test_planes_are_cut_resized_and_mirrored_with_the_image(seed):
    """All three tell where in the image a pixel is from."""
    y, x = np.mgrid[:96, :128]
    image, mask = np.stack([x, y, 0 * x], -1).astype(np.uint8), (x // 16 + 8 * (y // 16)).astype(np.uint8)
    planes = np.stack([np.tile(16 * np.arange(8) + 8, (6, 1)), np.tile((16 * np.arange(6) + 8)[:, None], (1, 8))])
    settings = OptimisationSettings(crop=64, area_least=0.1)
    pixels, labels, soft = training_crop(image, mask, settings, np.random.default_rng(seed), planes.astype(np.uint8))
    plain = training_crop(image, mask, settings, np.random.default_rng(seed))
    assert torch.equal(pixels, plain[0]) and torch.equal(labels, plain[1])
    inside = (pixels[0] >= 8) & (pixels[0] < 120) & (pixels[1] >= 8) & (pixels[1] < 88)  # where planes are linear
    for axis in (0, 1):
        assert (soft[axis].float() - pixels[axis].float() - 0.5)[inside].abs().max() <= 1.01
    cells = (soft[0] // 16 + 8 * (soft[1] // 16)).long()
    assert (cells == labels)[inside].float().mean() > 0.8 and soft.shape == (2, 64, 64)


def test_mixed_crops_take_the_soft_labels_of_what_is_pasted():
    def read(image_id):
        mask = np.zeros((64, 64), np.uint8)
        mask[16:48, 16:48] = int(image_id) + 1
        return np.stack([mask] * 3, -1), mask, np.full((3, 4, 4), 10 * (int(image_id) + 1), np.uint8)

    settings = OptimisationSettings(crop=32, batch=4, mix=1.0)
    batch = next(batches(Examples([str(k) for k in range(4)], read), settings, BatchPlan(0, 2, 1, ignore=IGNORE)))
    _, labels, soft = batch
    assert soft.shape == (4, 3, 32, 32) and len(soft.unique()) == 4
    for category in range(1, 5):
        own = {int(v) for k in range(4) for v in soft[k, 0][labels[k] == category].unique()}
        assert own == {10 * category}
    assert all(len(soft[k].unique()) == 2 for k in range(4))


def drawn_batch(n=4, outputs=3, size=8):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, outputs, (n, size, size), generator=generator)
    labels[:, :2] = IGNORE
    planes = torch.from_numpy(np.stack([drawn_planes((outputs, size, size), k) for k in range(n)]))
    return torch.randint(0, 256, (n, 3, size, size), generator=generator, dtype=torch.uint8), labels, planes


def test_the_loss_is_the_cross_entropy_between_the_shares_summed_over_labelled_pixels():
    _, labels, planes = drawn_batch()
    scores = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = 0.0
    for n, y, x in np.ndindex(4, 8, 8):
        if labels[n, y, x] != IGNORE:
            shares = planes[n, :, y, x].double() / planes[n, :, y, x].sum()
            expected -= float((shares * scores[n, :, y, x].double().log_softmax(0)).sum())
    assert summed_loss(scores, labels, IGNORE, planes).item() == pytest.approx(expected, rel=1e-5)


def test_of_a_teacher_that_has_no_doubt_soft_and_hard_labels_are_the_same():
    _, labels, _ = drawn_batch()
    scores = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    certain = functional.one_hot(labels.clamp(max=2), 3).permute(0, 3, 1, 2).to(torch.uint8) * 255
    assert torch.allclose(summed_loss(scores, labels, IGNORE, certain), summed_loss(scores, labels, IGNORE))


@pytest.mark.parametrize("parts", [2, 4])
def test_a_batch_done_in_parts_has_the_gradients_of_the_whole(tmp_path, parts):
    found = []
    for count in (1, parts):
        network = tiny_network().eval()
        setup = RoundSetup(2, 0, IGNORE, tmp_path, "cpu")
        loss = add_gradients(network, drawn_batch(), setup, count)
        found.append([loss, *(p.grad for p in network.parameters())])
    for whole, summed in zip(*found, strict=True):
        assert torch.allclose(whole, summed, atol=1e-6)


def test_prediction_tells_the_shares_behind_each_mask_in_the_order_given():
    images = [np.random.default_rng(k).integers(0, 255, size).astype(np.uint8) for k, size in enumerate(SIZES)]
    told = {}
    settings = PredictionSettings(size=64, resize="squash", flip=False)
    found = predict(Tiny().eval(), images, settings, on_shares=lambda place, shares: told.update({place: shares}))
    assert sorted(told) == [0, 1, 2]
    for k, (mask, _) in enumerate(found):
        assert torch.allclose(told[k].sum(0), torch.ones(64, 64), atol=1e-5)
        expected = functional.interpolate(told[k].argmax(0)[None, None].float(), mask.shape, mode="nearest-exact")
        assert np.array_equal(expected[0, 0].numpy(), mask)


SIZES = [(40, 60, 3), (60, 40, 3), (40, 60, 3)]
