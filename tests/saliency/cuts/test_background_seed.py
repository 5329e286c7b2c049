import math

import numpy as np
import pytest

from comus_core.saliency.cuts.background_seed import background_seed, head_weights, unlikeness
from tests.saliency.cuts.drawn_features import two_regions


def slow_found(features, attention, tau):
    """FOUND's rule with loops: the cells that are not background."""
    heads, height, width = attention.shape
    size = features.shape[2] // heads
    places = [(y, x) for y in range(height) for x in range(width)]
    t = sum(attention[h][p] for h in range(heads) for p in places) / (heads * len(places))
    share = [sum(1 for p in places if attention[h][p] > t) / len(places) + 1e-10 for h in range(heads)]
    beta = [math.log(sum(share) / q) for q in share]
    seed = min(places, key=lambda p: sum(beta[h] * attention[h][p] for h in range(heads)))
    described = {p: [beta[i // size] * float(v) for i, v in enumerate(features[p])] for p in places}

    def cosine(a, b):
        return sum(i * j for i, j in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    return {p for p in places if cosine(described[seed], described[p]) < tau}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_the_object_is_that_of_founds_rule_written_with_loops(seed, tau):
    rng = np.random.default_rng(seed)
    features, attention = rng.standard_normal((6, 7, 12)).astype(np.float32), rng.random((3, 6, 7)) ** 4
    soft = background_seed(features, attention, tau, by_head=True)
    assert {(int(y), int(x)) for y, x in np.argwhere(soft > 0.5)} == slow_found(features, attention, tau)


def test_the_rectangle_that_is_attended_is_the_object_also_without_heads():
    features, inside = two_regions()
    attention = np.where(inside, 1.0, 0.1)[None] * np.array([1.0, 0.8])[:, None, None]
    for one in (attention, attention[:1]):
        for by_head in (True, False):
            assert np.array_equal(background_seed(features, one, 0.3, by_head=by_head) > 0.5, inside)


def test_one_head_counts_fully_and_a_head_that_attends_to_little_counts_more():
    assert head_weights(np.random.default_rng(0).random((1, 3, 3))).tolist() == [1.0]
    attention = np.full((2, 4, 4), 0.01)
    attention[0, 0, 0], attention[1, :2] = 1.0, 0.5
    little, much = head_weights(attention)
    assert little > much > 0


def test_the_soft_value_is_one_half_at_tau_and_nothing_is_salient_where_all_is_alike():
    features = np.array([[[1.0, 0], [0.3, math.sqrt(1 - 0.09)], [-1, 0], [0, 1]]], np.float32)
    soft = background_seed(features, np.array([[[0.0, 1, 1, 1]]]), 0.3, by_head=False)
    assert np.allclose(soft, [[0, 0.5, 1, 0.5 + 0.3 / 2.6]], atol=1e-6)
    assert not (background_seed(np.ones((3, 4, 2)), np.ones((1, 3, 4)), 0.3, by_head=False) > 0.5).any()


def test_unlikeness_is_one_minus_the_mean_cosine_with_all_cells():
    features = np.random.default_rng(0).standard_normal((3, 4, 5))
    cells = features.reshape(-1, 5)
    expected = [1 - np.mean([a @ b / math.hypot(*a) / math.hypot(*b) for b in cells]) for a in cells]
    assert np.allclose(unlikeness(features), np.reshape(expected, (1, 3, 4)))
