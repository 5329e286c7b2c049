import math

import numpy as np
import pytest

from comus_core.saliency.cuts.feature_means import refined_by_means
from tests.saliency.cuts.drawn_features import regions, three_objects, two_regions


def slow_rounds(mask, features, rounds):
    """Background and object by the more similar mean, with loops."""
    places = [tuple(p) for p in np.ndindex(*mask.shape)]
    unit = {p: features[p].astype(float) / math.hypot(*features[p].tolist()) for p in places}
    inside = {p for p in places if mask[p]}
    for _ in range(rounds):
        mean = [sum(unit[p] for p in places if (p in inside) == side) for side in (False, True)]
        mean = [m / math.hypot(*m.tolist()) for m in mean]
        inside = {p for p in places if float(unit[p] @ mean[1]) > float(unit[p] @ mean[0])}
    return inside


@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_each_round_gives_cells_to_the_more_similar_mean(rounds, seed):
    features, inside = two_regions(noise=2.5, seed=seed)
    start = np.where(np.roll(inside, (2, 2), (0, 1)), 0.8, 0.1).astype(np.float32)[None]
    [soft] = refined_by_means(start, features, rounds)
    assert {tuple(map(int, p)) for p in np.argwhere(soft > 0.5)} == slow_rounds(start[0] > 0.5, features, rounds)


def test_a_displaced_mask_finds_its_object_and_several_keep_apart():
    features, inside = two_regions(noise=0.5)
    start = np.roll(inside, (2, 3), (0, 1)).astype(np.float32)[None]
    assert np.array_equal(refined_by_means(start, features, 3)[0] > 0.5, inside)
    labels = three_objects()
    start = np.stack([np.roll(labels == k, 1, axis=1) for k in (1, 2, 3)]).astype(np.float32)
    maps = refined_by_means(start, regions(labels, noise=0.5), 3)
    assert all(np.array_equal(maps[k] > 0.5, labels == k + 1) for k in range(3))


def test_no_round_no_object_and_nothing_outside_change_nothing():
    features, inside = two_regions()
    start = inside.astype(np.float32)[None] * np.float32(0.7)
    assert refined_by_means(start, features, 0) is start
    assert refined_by_means(start[:0], features, 3).shape == (0, *inside.shape)
    everything = np.ones((1, *inside.shape), np.float32)
    assert np.array_equal(refined_by_means(everything, features, 3), everything)
