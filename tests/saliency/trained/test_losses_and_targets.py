"""The loss, the targets and the views of our own detector against plain loops and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from comus_core.saliency.trained import colour_models
from comus_core.saliency.trained.augmentation import drawn_views, in_other_light, seen
from comus_core.saliency.trained.colour_models import agreeing
from comus_core.saliency.trained.generation import rate
from comus_core.saliency.trained.losses import f_loss, reached
from comus_core.saliency.trained.targets import agreement, certain, refined, surest
from comus_core.saliency.trained.training import predicted, shrunk


@pytest.mark.parametrize("beta2", [0.3, 1.0, 4.0])
def test_the_loss_is_one_minus_the_f_measure(beta2):
    random = np.random.default_rng(0)
    shares, targets = random.random((3, 5, 4)), (random.random((3, 5, 4)) > 0.6).astype(float)
    found = f_loss(torch.from_numpy(shares), torch.from_numpy(targets), beta2)
    for share, target, loss in zip(shares, targets, found, strict=True):
        precision, recall = (share * target).sum() / share.sum(), (share * target).sum() / target.sum()
        assert float(loss) == pytest.approx(1 - (1 + beta2) * precision * recall / (beta2 * precision + recall), 1e-4)


def test_where_nothing_is_salient_the_loss_is_what_is_predicted_there():
    shares = torch.full((1, 4, 4), 0.25)
    assert float(f_loss(shares, torch.zeros(1, 4, 4), 1.0)) == pytest.approx(0.25)


def test_a_prediction_beyond_a_soft_target_teaches_no_more():
    logits = torch.tensor([2.0, 0.2, -2.0, 0.2], requires_grad=True)
    targets = torch.tensor([0.7, 0.7, 0.3, 0.3])
    found = reached(logits, targets)
    assert found[[0, 2]].tolist() == [1.0, 0.0] and torch.equal(found[[1, 3]], logits.sigmoid()[[1, 3]])
    found.sum().backward()
    assert logits.grad[[0, 2]].tolist() == [0, 0] and (logits.grad[[1, 3]] > 0).all()


def test_salient_is_what_exceeds_so_many_times_the_mean():
    maps = np.zeros((1, 2, 4, 4), np.uint8)
    maps[0, 0, :2, :2] = 100  # mean 25
    maps[0, 0, 3, 3] = 49  # mean 28.06: below twice of it
    expected = np.zeros((1, 2, 4, 4), np.uint8)
    expected[0, 0, :2, :2] = 255
    assert np.array_equal(certain(maps, 2.0), expected)


def test_agreement_is_the_mean_iou_of_all_pairs():
    maps = (np.random.default_rng(1).random((5, 3, 6, 6)) > 0.5).astype(np.uint8) * np.uint8(255)
    maps[4] = 0
    for found, of_image in zip(agreement(maps), maps > 0, strict=True):
        pairs = [(of_image[i], of_image[j]) for i in range(3) for j in range(i)]
        ious = [(a & b).sum() / (a | b).sum() if (a | b).any() else 0 for a, b in pairs]
        assert found == pytest.approx(np.mean(ious))


def test_the_surest_are_decided_agreed_on_and_neither_empty_nor_full():
    maps = np.zeros((6, 1, 10, 10), np.uint8)
    maps[:4, :, :5] = 255  # half of the image
    maps[1, :, :5] = 140  # hardly above a half
    maps[4] = 255
    agree = np.array([0.9, 0.9, 0.8, 0.1, 1.0, 1.0])  # the last two: full, empty
    assert surest(maps, agree, 2 / 6).tolist() == [0, 2] and surest(maps, agree, 3 / 6).tolist() == [0, 1, 2]
    assert surest(maps, agree, 1e-9).tolist() == [0] and surest(maps, agree, 1.0).tolist() == [0, 1, 2, 3, 4, 5]


def test_images_are_shrunk_without_aliasing_and_kept_as_they_are_where_they_fit():
    stripes = np.zeros((3, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 200
    found = shrunk(stripes, 16)
    assert found.shape == (3, 16, 16, 3) and (abs(found[:, :, 2:-2].astype(int) - 100) <= 8).all()
    assert shrunk(stripes, 64) is stripes


def test_a_prediction_is_the_mean_of_an_image_and_its_mirror():
    class Left(torch.nn.Module):
        """Finds the left half of whatever it sees."""

        def forward(self, pixels):
            logits = torch.full((len(pixels), 1, *pixels.shape[2:]), -9.0)
            logits[..., : pixels.shape[3] // 2] = 9
            return logits

    told = []
    found = predicted(Left(), 32, np.zeros((40, 64, 64, 3), np.uint8), "cpu", told.append)
    assert found.shape == (40, 1, 32, 32) and (abs(found.astype(int) - 127.5) < 1).all() and told == [32, 40]


def test_without_refinement_the_next_network_learns_the_mean():
    maps = np.random.default_rng(2).integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    told = []
    found = refined(maps, np.zeros((2, 16, 16, 3), np.uint8), "none", 0, told.append)
    assert told == [1, 2] and found.shape == (2, 1, 8, 8) and np.array_equal(found[:, 0], np.rint(maps.mean(axis=1)))


def test_the_refined_map_of_an_image_ends_where_its_colours_do():
    image = np.zeros((1, 80, 80, 3), np.uint8)
    image[:, :, 40:] = 255
    maps = np.zeros((1, 1, 40, 40), np.uint8)
    maps[..., 18:] = 255  # two cells too far
    found = refined(maps, image, "guided", 0)[0, 0]
    assert (found[:, 20:] > 200).all() and (found[:, 18:20] < 140).all()  # 255 before


def test_colours_move_the_odds_by_their_frequencies_on_both_sides(monkeypatch):
    monkeypatch.setattr(colour_models, "BLUR", 0.0)
    pixels = np.array([[[250, 20, 20]] * 3 + [[20, 20, 250]] * 5], np.uint8)  # three red, five blue
    soft = np.array([[0.9, 0.9, 0.3, 0.1, 0.1, 0.1, 0.1, 0.6]], np.float32)
    red = (2.1 / 3.1, 0.9 / 4.9)  # share of the object's and of the background's weight
    blue = (1.0 / 3.1, 4.0 / 4.9)
    found = agreeing(soft, pixels, 0.5)
    for share, (of_object, of_rest), value in zip(soft[0], [red] * 3 + [blue] * 5, found[0], strict=True):
        odds = (share + 0.02) / (1 - share + 0.02) * (of_object / of_rest) ** 0.5
        assert value == pytest.approx(odds / (1 + odds), abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_of_an_image_that_is_all_object_or_all_background_colours_say_nothing(value):
    pixels = np.random.default_rng(4).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    found = agreeing(np.full((9, 9), value, np.float32), pixels, 1.0)
    assert np.isfinite(found).all() and (abs(found - value) < 0.5).all()


def test_a_mirrored_view_of_a_whole_image_is_its_mirror():
    planes = torch.from_numpy(np.random.default_rng(3).random((2, 3, 6, 6)).astype(np.float32))
    views = torch.tensor([[[1.0, 0, 0], [0, 1, 0]], [[-1.0, 0, 0], [0, 1, 0]]])
    found = seen(planes, views, 6)
    assert torch.allclose(found[0], planes[0], atol=1e-6) and torch.allclose(found[1], planes[1].flip(-1), atol=1e-6)


def test_crops_lie_inside_and_are_as_large_as_asked():
    views = drawn_views(500, 0.25, torch.Generator().manual_seed(0))
    side = views[:, 1, 1]
    assert side.min() >= 0.5 and side.max() <= 1 and 0.4 < (views[:, 0, 0] < 0).float().mean() < 0.6
    assert (views[:, :, 2].abs() + side[:, None] <= 1 + 1e-6).all()
    assert torch.equal(views[:, 0, 0].abs(), side)


def test_other_light_leaves_grey_grey_and_values_in_range():
    grey = torch.linspace(0, 255, 48).view(1, 1, 4, 12).expand(2, 3, 4, 12)
    found = in_other_light(grey, 0.4, torch.Generator().manual_seed(1))
    assert torch.allclose(found[:, 0], found[:, 2], atol=1e-3) and found.min() >= 0 and found.max() <= 255
    assert not torch.allclose(found[0], found[1]) and in_other_light(grey, 0.0, torch.Generator()) is grey


def test_the_learning_rate_rises_then_falls_to_nothing():
    rates = [rate(1.0, step, 100) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0]) and max(rates) == 1.0
    assert all(a >= b for a, b in pairwise(rates[5:])) and rates[-1] < 1e-3
