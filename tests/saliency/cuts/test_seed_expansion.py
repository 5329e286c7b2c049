import numpy as np
import pytest

from comus_core.saliency.cuts.seed_expansion import seed_expansion
from tests.saliency.cuts.drawn_features import regions
from tests.saliency.cuts.test_mask_cut import connected


def slow_lost(features, k):
    """LOST's rule with loops: (set of cells, summed correlation of each)."""
    height, width, _ = features.shape
    cells = [features[y, x].astype(float) for y in range(height) for x in range(width)]
    n = len(cells)
    dot = [[float(np.dot(a, b)) for b in cells] for a in cells]
    degree = [sum(1 for q in range(n) if q != p and dot[p][q] > 0) for p in range(n)]
    order = sorted(range(n), key=lambda p: (degree[p], p))
    seed = order[0]
    kind = [q for q in order[:k] if dot[seed][q] > 0]
    score = [sum(dot[q][p] for q in kind) for p in range(n)]
    mask = [[score[y * width + x] > 0 for x in range(width)] for y in range(height)]
    return connected(mask, divmod(seed, width)), np.array(score).reshape(height, width)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [1, 10, 60])
def test_the_mask_is_that_of_losts_rule_written_with_loops(seed, k):
    features = np.random.default_rng(seed).standard_normal((8, 10, 3)).astype(np.float32)
    soft = seed_expansion(features, k)
    expected, score = slow_lost(features, k)
    assert {(int(y), int(x)) for y, x in np.argwhere(soft > 0.5)} == expected
    spread = np.sqrt((score**2).mean())
    for y, x in expected:
        assert soft[y, x] == pytest.approx(1 / (1 + np.exp(-score[y, x] / spread)), abs=1e-6)


def test_an_object_smaller_than_the_background_and_opposed_to_it_is_found():
    inside = np.zeros((12, 16), bool)
    inside[3:8, 5:11] = True
    features = regions(np.zeros((12, 16), int), noise=0.3)
    features[inside] *= -1
    assert np.array_equal(seed_expansion(features, 20) > 0.5, inside)


def test_of_equal_degrees_no_cell_is_a_seed():
    assert not seed_expansion(np.ones((5, 6, 4), np.float32), 10).any()
    assert not seed_expansion(np.zeros((5, 6, 4), np.float32), 10).any()
