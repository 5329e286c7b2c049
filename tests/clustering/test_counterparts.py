"""Which category became which, against trying every assignment."""

from itertools import permutations

import numpy as np
import pytest

from comus_core.clustering.counterparts import counterparts


@pytest.mark.parametrize(("sizes", "seed"), [((5, 5), 0), ((5, 5), 1), ((3, 5), 2), ((5, 3), 3), ((4, 4), 4)])
def test_as_many_points_as_can_be_are_in_the_same_category(sizes, seed):
    rng = np.random.default_rng(seed)
    before, after = (rng.integers(-1, size, 60) for size in sizes)
    number, points = counterparts(before, after, sizes)
    met = number[number >= 0]
    assert len(number) == sizes[1] and len(met) == min(sizes) == len(set(met.tolist()))
    shared = [[int(((before == b) & (after == a)).sum()) for b in range(sizes[0])] for a in range(sizes[1])]
    assert points.tolist() == [shared[a][b] if b >= 0 else 0 for a, b in enumerate(number.tolist())]
    wide = max(sizes)
    ways = permutations(range(wide), sizes[1])
    best = max(sum(shared[a][b] for a, b in enumerate(way) if b < sizes[0]) for way in ways)
    assert points.sum() == best


def test_categories_without_a_point_in_common_still_get_a_number_and_say_so():
    number, points = counterparts(np.array([0, 0, -1, 1]), np.array([1, 1, 0, -1]), (2, 2))
    assert number.tolist() == [1, 0] and points.tolist() == [0, 2]
