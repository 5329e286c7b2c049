"""Objects pasted from one crop into another: whole categories, pixels and labels together, the same on every run."""

import numpy as np
import torch

from comus_core.training.crops import training_crop
from comus_core.training.examples import BatchPlan, Examples, batches, order_of_epoch
from comus_core.training.mixing import mixed
from comus_core.training.settings import OptimisationSettings
from comus_core.training.team import Team

IGNORE = 255


def example(seed, labels):
    """Pixels and a third part that tell where they are from."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (3, *labels.shape), generator=generator, dtype=torch.uint8)
    return pixels, labels, torch.randint(0, 256, (5, *labels.shape), generator=generator, dtype=torch.uint8)


def drawn_labels(seed, values):
    return torch.from_numpy(np.random.default_rng(seed).choice(values, (12, 9))).long()


def test_every_pixel_with_all_that_belongs_to_it_is_of_one_crop_and_half_of_the_categories_are_pasted():
    own, other = example(1, drawn_labels(1, [0, 3, 8, IGNORE])), example(2, drawn_labels(2, [0, 1, 2, 3, 4, 5, IGNORE]))
    seen = set()
    for seed in range(60):
        found = mixed(own, other, IGNORE, np.random.default_rng(seed))
        from_other = (found[0] == other[0]).all(0) & (found[1] == other[1]) & (found[2] == other[2]).all(0)
        from_own = (found[0] == own[0]).all(0) & (found[1] == own[1]) & (found[2] == own[2]).all(0)
        assert bool((from_other ^ from_own).all())
        pasted = set(other[1][from_other].tolist())
        assert len(pasted) == 2 and pasted <= {1, 2, 3, 4, 5}
        assert not (set(other[1][~from_other].tolist()) & pasted)  # a category is pasted whole
        seen |= {tuple(sorted(pasted))}
    assert len(seen) == 10  # each pair of the five


def test_a_single_category_is_pasted_and_nothing_where_there_is_none():
    own, rng = example(1, drawn_labels(1, [0, 3])), np.random.default_rng(0)
    single = mixed(own, example(2, drawn_labels(2, [0, 7, IGNORE])), IGNORE, rng)
    assert torch.equal(single[1] == 7, drawn_labels(2, [0, 7, IGNORE]) == 7)
    assert mixed(own, example(2, drawn_labels(2, [0, IGNORE])), IGNORE, rng) is own


def two_coloured(count=8):
    """Images whose pixels tell image and label: a category of its own in the middle, an ignored strip."""

    def read(image_id):
        number = int(image_id)
        mask = np.zeros((40, 50), np.uint8)
        mask[10:30, 15:35], mask[:4] = number + 1, IGNORE
        return np.stack([np.full_like(mask, 10 * number), mask, mask], -1), mask

    return Examples([str(k) for k in range(count)], read)


def batches_of(mix, first=0, **team):
    settings = OptimisationSettings(crop=32, batch=4, mix=mix)
    return list(batches(two_coloured(), settings, BatchPlan(5, 1, 6, first, Team(**team), IGNORE)))


def test_the_share_asked_for_is_mixed_with_the_next_image_and_the_rest_is_as_without():
    order = [order_of_epoch(8, 5, 1, epoch) for epoch in range(3)]
    changed = 0
    for step, ((pixels, labels), (plain_pixels, plain_labels)) in enumerate(
        zip(batches_of(0.5), batches_of(0.0), strict=True)
    ):
        for k in range(4):
            following = int(order[step // 2][(step % 2 * 4 + k + 1) % 8])
            if torch.equal(pixels[k], plain_pixels[k]):
                assert torch.equal(labels[k], plain_labels[k])
                continue
            changed += 1
            pasted = labels[k] == following + 1
            assert bool(pasted.any())
            assert torch.equal(pixels[k][:, ~pasted], plain_pixels[k][:, ~pasted])
            assert torch.equal(labels[k][~pasted], plain_labels[k][~pasted])
    assert 4 <= changed <= 20  # of 24
    assert all(not torch.equal(a[1], b[1]) for a, b in zip(batches_of(1.0), batches_of(0.0), strict=True))


def test_mixed_batches_begun_in_the_middle_and_shared_between_processes_are_those_of_the_whole():
    whole, rest = batches_of(0.5), batches_of(0.5, first=3)
    assert all(torch.equal(p, q) for a, b in zip(whole[3:], rest, strict=True) for p, q in zip(a, b, strict=True))
    parts = [batches_of(0.5, rank=rank, world=2) for rank in range(2)]
    for step, (pixels, labels) in enumerate(whole):
        assert torch.equal(torch.stack([parts[k % 2][step][0][k // 2] for k in range(4)]), pixels)
        assert torch.equal(torch.stack([parts[k % 2][step][1][k // 2] for k in range(4)]), labels)


def test_what_is_pasted_is_the_second_crop_of_the_examples_own_random_numbers():
    examples, settings = two_coloured(), OptimisationSettings(crop=32, batch=4, mix=1.0)
    pixels, labels = next(batches(examples, settings, BatchPlan(5, 1, 1, ignore=IGNORE)))
    order = order_of_epoch(8, 5, 1, 0)
    for k in range(4):
        rng = np.random.default_rng([5, 1, 0, k])
        own = training_crop(*examples.get(str(order[k])), settings, rng)
        rng.random()
        other = training_crop(*examples.get(str(order[k + 1])), settings, rng)
        inside = other[1] == order[k + 1] + 1
        assert torch.equal(pixels[k], torch.where(inside, other[0], own[0]))
        assert torch.equal(labels[k], torch.where(inside, other[1], own[1]))
