import numpy as np
import pytest
import scipy.linalg
from skimage import data

from comus_core.features.encoders import load_encoder
from comus_core.saliency.cuts.normalised_cut import WEAK_EDGE, affinity_matrix, has_cut, second_vector
from comus_core.saliency.cuts.token_cut import orient, side_soft, token_cut
from tests.saliency.cuts.drawn_features import two_regions
from tests.saliency.cuts.test_mask_cut import connected


def dense_solution(affinity: np.ndarray) -> np.ndarray:
    """The second generalised eigenvector of (D − W) v = λ D v by LAPACK."""
    degree = np.diag(affinity.sum(axis=1))
    return scipy.linalg.eigh(degree - affinity, degree)[1][:, 1]


def unit(v):
    return v / np.linalg.norm(v)


def same_line(one, other, tolerance=1e-6):
    return min(np.abs(unit(one) - unit(other)).max(), np.abs(unit(one) + unit(other)).max()) < tolerance


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.2, 1.0])
def test_the_cut_vector_equals_the_dense_generalised_eigenvector(seed, noise):
    features, _ = two_regions(noise=noise, seed=seed)
    affinity = affinity_matrix(features.reshape(-1, 16), 0.5)
    assert same_line(second_vector(affinity), dense_solution(affinity))


@pytest.mark.parametrize("cells", [2, 5, 19, 20, 25])
def test_images_of_few_cells_are_cut_too(cells):
    rng = np.random.default_rng(cells)
    affinity = affinity_matrix(rng.standard_normal((cells, 4)), 0.2)
    affinity = affinity + 0.01 * (lambda m: m + m.T)(rng.random((cells, cells)))  # no multiple eigenvalue
    assert same_line(second_vector(affinity), dense_solution(affinity))


def ten_photographs() -> list[np.ndarray]:
    """Ten parts of two photographs that come with scikit-image."""
    cat, astronaut = data.chelsea(), data.astronaut()
    return [cat[y : y + 150, x : x + 200] for y in (0, 140) for x in (0, 120, 240)] + [
        astronaut[y : y + 250, x : x + 250] for y in (0, 250) for x in (0, 250)
    ]


def test_the_cut_of_ten_photographs_is_that_of_a_dense_generalised_solver():
    encoder, differing = load_encoder("efficientnet-lite0"), []
    images = ten_photographs()
    for image in images:
        [features] = encoder.dense([image], 320)
        affinity = affinity_matrix(features, 0.3)
        ours, dense = second_vector(affinity), dense_solution(affinity)
        dense = dense * np.sign(ours @ dense)
        differing.append(int(((ours > ours.mean()) != (dense > dense.mean())).sum()))
        assert same_line(ours, dense, 1e-5)
    assert len(images) == 10 and differing == [0] * 10


def test_the_affinity_joins_cells_whose_cosine_exceeds_tau():
    features = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]])
    expected = np.full((4, 4), WEAK_EDGE)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 2), (2, 0), (1, 2), (2, 1)):
        expected[i, j] = 1
    assert np.array_equal(affinity_matrix(features, 0.5), expected)


def test_there_is_a_cut_where_some_cells_are_alike_and_some_are_not():
    assert has_cut(affinity_matrix(np.array([[1.0, 0], [1, 0], [0, 1]]), 0.5))
    assert not has_cut(affinity_matrix(np.eye(3), 0.5))
    assert not has_cut(affinity_matrix(np.ones((3, 2)), 0.5)) and not has_cut(np.ones((1, 1)))


def test_the_rectangle_is_the_object():
    features, inside = two_regions()
    for corners in (False, True):
        for region in (False, True):
            assert np.array_equal(token_cut(features, 0.5, corners=corners, region=region) > 0.5, inside)


def test_the_map_of_a_side_is_the_sigmoid_of_the_standardised_vector():
    features, inside = two_regions()
    v = dense_solution(affinity_matrix(features.reshape(-1, 16), 0.5)).reshape(inside.shape)
    v = v if v[inside].mean() > v[~inside].mean() else -v
    expected = 1 / (1 + np.exp(-(v - v.mean()) / v.std()))
    assert np.allclose(token_cut(features, 0.5, corners=True, region=False), expected, atol=1e-5)


def test_only_the_region_of_the_seed_is_above_one_half_unless_the_whole_side_is_wanted():
    features, inside = two_regions()
    features[0, 0] = features[12, 16] = features[6, 8]  # cells like the object, apart from it
    whole = token_cut(features, 0.5, corners=True, region=False)
    alone = token_cut(features, 0.5, corners=True, region=True)
    assert (whole > 0.5).sum() == inside.sum() + 2
    seed = np.unravel_index(whole.argmax(), whole.shape)
    region = connected(whole > 0.5, tuple(int(i) for i in seed))
    expected = np.zeros_like(inside)
    expected[tuple(np.array(sorted(region)).T)] = True
    assert 0 < expected.sum() < (whole > 0.5).sum() and np.array_equal(alone > 0.5, expected)
    assert np.array_equal(alone[expected], whole[expected])
    others = (whole > 0.5) & ~expected
    assert np.allclose(alone[others], 1 - whole[others])


def test_the_same_features_give_the_same_bits():
    features, _ = two_regions(noise=1.0)
    maps = [token_cut(f, 0.5, corners=True, region=True) for f in (features, features.copy())]
    assert np.array_equal(*maps)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_side_farthest_from_zero_is_foreground_whatever_the_solvers_sign(sign):
    v = np.full((6, 8), -0.1)
    v[2:4, 3:5] = 0.9
    assert np.array_equal(orient(sign * v) > 0, v > 0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("corners", "flipped"), [(2, False), (3, True), (4, True)])
def test_a_side_with_three_corners_of_the_image_is_background_by_maskcuts_rule_alone(sign, corners, flipped):
    v = np.full((6, 8), -0.5)
    for y, x in [(0, 0), (0, -1), (-1, 0), (-1, -1)][:corners]:
        v[y, x] = 0.9
    far_side = orient(sign * v)[v > 0]
    assert (far_side < 0).all() if flipped else (far_side > 0).all()
    assert (orient(sign * v, corners=False)[v > 0] > 0).all()


def test_where_all_cells_are_alike_there_is_no_cut_and_the_map_is_zero():
    for flat in (np.ones((6, 8, 4), np.float32), np.zeros((6, 8, 4), np.float32)):
        assert not token_cut(flat, 0.5, corners=True, region=True).any()


def test_some_cells_lie_above_one_half_even_in_noise():
    noise = np.random.default_rng(0).standard_normal((10, 10, 4))
    assert (token_cut(noise, 0.2, corners=False, region=True) > 0.5).any()
    assert (side_soft(noise[:, :, 0]) > 0.5).any()
