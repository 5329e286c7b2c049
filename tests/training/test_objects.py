"""One category for each connected object, against a plain walk over pixels."""

import numpy as np
import pytest
import torch

from comus_core.training.objects import voted


def random_shares(seed=0, categories=4, size=(18, 23)):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(categories + 1, *(-(-side // 3) for side in size), generator=generator) * 2
    coarse[0] += 1.5
    return coarse.repeat_interleave(3, 1).repeat_interleave(3, 2)[:, : size[0], : size[1]].softmax(0)


def flooded(inside):
    """Object of each pixel, 0 outside, by walking from pixel to pixel."""
    number, count = np.zeros(inside.shape, int), 0
    for start in zip(*np.nonzero(inside), strict=True):
        if number[start]:
            continue
        count += 1
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < inside.shape[0] and 0 <= x < inside.shape[1] and inside[y, x] and not number[y, x]:
                number[y, x] = count
                waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return number, count


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_each_object_gets_the_category_with_the_largest_sum(threshold, seed):
    shares = random_shares(seed)
    mask = voted(shares, threshold).argmax(0).numpy()
    inside = (1 - shares[0] >= threshold).numpy()
    number, count = flooded(inside)
    assert count > 1 and np.array_equal(mask > 0, inside)
    for k in range(1, count + 1):
        sums = shares[1:, torch.from_numpy(number == k)].sum(1)
        assert set(mask[number == k]) == {int(sums.argmax()) + 1}


def test_shares_still_sum_to_one_and_keep_one_category_a_pixel():
    found = voted(random_shares(), 0.6)
    assert torch.allclose(found.sum(0), torch.ones(found.shape[1:]), atol=1e-6)
    assert ((found[1:] > 0).sum(0) <= 1).all()


def test_the_threshold_is_moved_to_one_half_and_one_half_moves_nothing():
    shares = random_shares()
    assert torch.allclose(voted(shares, 0.5)[0], shares[0], atol=1e-6)
    edge = torch.tensor([0.2, 0.8]).view(2, 1, 1).expand(2, 3, 3)
    assert torch.allclose(voted(edge, 0.8)[0], torch.full((3, 3), 0.5))


def test_an_image_without_an_object_is_background():
    shares = torch.tensor([0.9, 0.06, 0.04]).view(3, 1, 1).expand(3, 4, 5)
    found = voted(shares, 0.5)
    assert torch.allclose(found, torch.tensor([0.9, 0.1, 0.0]).view(3, 1, 1).expand(3, 4, 5), atol=1e-6)


def test_around_an_object_the_nearest_object_lends_its_category():
    shares = torch.zeros(3, 1, 9)
    shares[0] = 0.8
    shares[:, 0, 1] = torch.tensor([0.1, 0.9, 0.0])
    shares[:, 0, 7] = torch.tensor([0.1, 0.0, 0.9])
    shares[1] += 1 - shares.sum(0)
    found = voted(shares, 0.5)
    assert (found[1, 0, :4] > 0).all() and (found[2, 0, 5:] > 0).all()


def test_saliency_takes_its_part_in_what_is_object_and_none_in_which():
    shares, saliency = random_shares(1), torch.rand(18, 23, generator=torch.Generator().manual_seed(2))
    mixed = voted(shares, 0.5, saliency, 0.4)
    assert torch.allclose(1 - mixed[0], 0.6 * (1 - shares[0]) + 0.4 * saliency, atol=1e-6)
    assert torch.equal(voted(shares, 0.5, saliency, 0.0), voted(shares, 0.5))
    only = voted(shares, 0.5, saliency, 1.0)
    assert torch.equal(only.argmax(0) > 0, saliency >= 0.5)
