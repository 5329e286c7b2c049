import numpy as np
import pytest

from comus_core.saliency.cuts.attention_mass import attention_mass
from tests.saliency.cuts.test_mask_cut import connected


def slow_mask(attention, mass):
    """The largest region of the fewest cells that hold the mass, adding them up one by one."""
    height, width = attention.shape
    cells = sorted(((y, x) for y in range(height) for x in range(width)), key=lambda c: (-attention[c], c))
    chosen, held = set(), 0.0
    for cell in cells:
        if held >= mass * attention.sum():
            break
        chosen.add(cell)
        held += attention[cell]
    mask = [[(y, x) in chosen for x in range(width)] for y in range(height)]
    found = [connected(mask, cell) for cell in sorted(chosen)]
    return max(found, key=len)


def cells(soft):
    return {(int(y), int(x)) for y, x in np.argwhere(soft > 0.5)}


@pytest.mark.parametrize("mass", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_the_mask_is_that_of_adding_up_cells_one_by_one(mass, seed):
    attention = np.random.default_rng(seed).random((3, 7, 9)) ** 3
    assert cells(attention_mass(attention, 1, mass)) == slow_mask(attention[1], mass)
    assert cells(attention_mass(attention, "mean", mass)) == slow_mask(attention.mean(axis=0), mass)
    largest = max(range(3), key=lambda h: len(slow_mask(attention[h], mass)))
    assert np.array_equal(attention_mass(attention, "max-area", mass), attention_mass(attention, largest, mass))


def test_two_spots_of_one_head_leave_the_larger():
    attention = np.full((1, 8, 10), 1e-6)
    attention[0, 1:3, 1:3], attention[0, 5:8, 5:9] = 2.0, 1.0
    soft = attention_mass(attention, "mean", 0.99)
    assert cells(soft) == {(y, x) for y in range(5, 8) for x in range(5, 9)}
    assert soft.min() >= 0 and soft.max() <= 1


def test_more_attention_is_never_less_salient_and_the_same_everywhere_is_nothing():
    attention = np.random.default_rng(3).random((2, 6, 6))
    soft = attention_mass(attention, 0, 0.6)
    inside = soft > 0.5
    order = np.argsort(attention[0][inside])
    assert (np.diff(soft[inside][order]) >= 0).all()
    assert not attention_mass(np.full((2, 4, 4), 0.1), "mean", 0.6).any()
    assert not attention_mass(np.full((2, 4, 4), 0.1), "max-area", 0.6).any()
