import numpy as np
import pytest
import scipy.linalg

from comus_core.saliency.cuts.spectral import smaller_side, spectral_map
from tests.saliency.cuts.drawn_features import two_regions


def dense_x(features, floor=0.0):
    """The first eigenvector after the constant one, by LAPACK, of W written out."""
    rows = features.reshape(-1, features.shape[2]).astype(float)
    rows = np.array([r / np.sqrt((r**2).sum()) for r in rows])
    w = rows @ rows.T
    w = np.where(w > floor, w, 0) / w.max()
    degree = np.diag(w.sum(axis=1))
    return scipy.linalg.eigh(degree - w, degree)[1][:, 1].reshape(features.shape[:2])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_the_object_is_the_smaller_sign_of_the_dense_solution(seed, floor):
    features, _ = two_regions(noise=1.0, seed=seed)
    x = dense_x(features, floor)
    x = -x if (x > 0).mean() > 0.5 else x
    soft = spectral_map(features, floor)
    assert np.array_equal(soft > 0.5, x > 0)
    assert np.allclose(soft, 1 / (1 + np.exp(-x / np.sqrt((x**2).mean()))), atol=1e-4)


def test_the_rectangle_is_the_object():
    features, inside = two_regions(noise=0.1)
    assert np.array_equal(spectral_map(features, 0.0) > 0.5, inside)


def test_the_sign_is_turned_where_more_than_half_is_positive_but_not_all():
    x = np.array([[1.0, 2.0], [3.0, -1.0]])
    assert np.array_equal(smaller_side(x), -x)
    assert np.array_equal(smaller_side(-x), -x)
    assert np.array_equal(smaller_side(np.abs(x)), np.abs(x))
    half = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert np.array_equal(smaller_side(half), half)


def test_where_all_cells_are_alike_or_zero_the_map_is_zero():
    assert not spectral_map(np.ones((5, 6, 3), np.float32), 0.0).any()
    assert not spectral_map(np.zeros((5, 6, 3), np.float32), 0.0).any()
