import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from comus_core.saliency.cuts.regions import largest_region, only_in, region_with, share_soft, signed_soft
from comus_core.saliency.soft_maps import dequantise, quantise
from tests.saliency.cuts.test_mask_cut import connected


@given(st.integers(0, 10_000))
def test_regions_are_those_of_flooding(seed):
    mask = np.random.default_rng(seed).random((6, 7)) > 0.5
    every = [connected(mask, tuple(map(int, cell))) for cell in np.argwhere(mask)]
    for cell in np.ndindex(6, 7):
        expected = connected(mask, cell) if mask[cell] else set()
        assert {tuple(map(int, c)) for c in np.argwhere(region_with(mask, cell))} == expected
    found = {tuple(map(int, c)) for c in np.argwhere(largest_region(mask))}
    assert found == (max(every, key=len) if every else set())


def test_soft_values_stay_on_their_side_of_one_half_and_of_the_stored_byte():
    score = np.linspace(-3, 3, 61).reshape(1, -1)
    for soft, inside in (
        (signed_soft(score), score > 1e-9),
        (share_soft(score, 0.7, -3, 3), score > 0.7 + 1e-9),
    ):
        assert soft.min() >= 0 and soft.max() <= 1 and (np.diff(soft) >= 0).all()
        assert np.array_equal(dequantise(quantise(soft)) > 0.5, inside)
    assert not signed_soft(np.zeros((2, 2))).any()


def test_outside_of_a_region_what_is_above_one_half_is_mirrored():
    soft = np.array([[0.9, 0.8, 0.2]], np.float32)
    region = np.array([[True, False, False]])
    assert np.allclose(only_in(soft, region), [[0.9, 0.2, 0.2]])
