import numpy as np
import pytest
import scipy.linalg

from comus_core.config import SaliencySettings
from comus_core.saliency import find_proposals, load_detector, quantise
from comus_core.saliency.ncut import NcutDetector
from comus_core.saliency.normalised_cut import WEAK_EDGE, affinity_matrix, cut_map, orient, second_vector


def two_regions(shape=(14, 18), dim=16, noise=0.2, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy features of a rectangle and of its surroundings, and the rectangle."""
    rng = np.random.default_rng(seed)
    inside = np.zeros(shape, bool)
    inside[4:10, 6:13] = True
    directions = np.linalg.qr(rng.standard_normal((dim, 2)))[0].T
    features = directions[inside.astype(int)] + noise * rng.standard_normal((*shape, dim)) / np.sqrt(dim)
    return (3 * features).astype(np.float32), inside


def dense_solution(affinity: np.ndarray) -> np.ndarray:
    """The second generalised eigenvector of (D − W) v = λ D v by LAPACK."""
    degree = np.diag(affinity.sum(axis=1))
    return scipy.linalg.eigh(degree - affinity, degree)[1][:, 1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.2, 1.0])
def test_the_cut_vector_equals_the_dense_generalised_eigenvector(seed, noise):
    features, _ = two_regions(noise=noise, seed=seed)
    affinity = affinity_matrix(features.reshape(-1, 16), 0.5)
    ours, dense = second_vector(affinity), dense_solution(affinity)
    ours, dense = ours / np.linalg.norm(ours), dense / np.linalg.norm(dense)
    assert min(np.abs(ours - dense).max(), np.abs(ours + dense).max()) < 1e-6


@pytest.mark.parametrize("cells", [2, 5, 19, 20, 25])
def test_images_of_few_cells_are_cut_too(cells):
    rng = np.random.default_rng(cells)
    affinity = affinity_matrix(rng.standard_normal((cells, 4)), 0.2)
    affinity = affinity + 0.01 * (lambda m: m + m.T)(rng.random((cells, cells)))  # no multiple eigenvalue
    ours, dense = second_vector(affinity), dense_solution(affinity)
    ours, dense = ours / np.linalg.norm(ours), dense / np.linalg.norm(dense)
    assert min(np.abs(ours - dense).max(), np.abs(ours + dense).max()) < 1e-6


def test_the_affinity_joins_cells_whose_cosine_exceeds_tau():
    features = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]])
    expected = np.full((4, 4), WEAK_EDGE)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 2), (2, 0), (1, 2), (2, 1)):
        expected[i, j] = 1
    assert np.array_equal(affinity_matrix(features, 0.5), expected)


def test_the_rectangle_is_the_foreground():
    features, inside = two_regions()
    assert np.array_equal(cut_map(features, 0.5) > 0.5, inside)


def test_the_map_is_the_sigmoid_of_the_standardised_vector():
    features, inside = two_regions()
    v = dense_solution(affinity_matrix(features.reshape(-1, 16), 0.5)).reshape(inside.shape)
    v = v if v[inside].mean() > v[~inside].mean() else -v
    expected = 1 / (1 + np.exp(-(v - v.mean()) / v.std()))
    assert np.allclose(cut_map(features, 0.5), expected, atol=1e-5)


def test_the_same_features_give_the_same_bits():
    features, _ = two_regions(noise=1.0)
    assert np.array_equal(cut_map(features, 0.5), cut_map(features.copy(), 0.5))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_side_farthest_from_zero_is_foreground_whatever_the_solvers_sign(sign):
    v = np.full((6, 8), -0.1)
    v[2:4, 3:5] = 0.9
    assert np.array_equal(orient(sign * v) > 0, v > 0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("corners", "flipped"), [(2, False), (3, True), (4, True)])
def test_a_side_with_three_corners_of_the_image_is_background(sign, corners, flipped):
    v = np.full((6, 8), -0.5)
    for y, x in [(0, 0), (0, -1), (-1, 0), (-1, -1)][:corners]:
        v[y, x] = 0.9
    far_side = orient(sign * v)[v > 0]
    assert (far_side < 0).all() if flipped else (far_side > 0).all()


def test_where_all_cells_are_alike_there_is_no_cut_and_the_map_is_zero():
    assert not cut_map(np.ones((6, 8, 4), np.float32), 0.5).any()
    assert not cut_map(np.zeros((6, 8, 4), np.float32), 0.5).any()


def test_some_cells_lie_above_one_half_even_in_noise():
    assert (cut_map(np.random.default_rng(0).standard_normal((10, 10, 4)), 0.2) > 0.5).any()


@pytest.fixture(scope="module")
def detector() -> NcutDetector:
    return load_detector(SaliencySettings(detector="ncut", ncut_encoder="efficientnet-lite0"))


@pytest.fixture(scope="module")
def textured() -> tuple[np.ndarray, np.ndarray]:
    """A chequered ball on a grainy floor, and its mask."""
    y, x = np.mgrid[:300, :400]
    mask = (y - 150) ** 2 + (x - 230) ** 2 < 80**2
    chequers = np.where(((y // 20 + x // 20) % 2)[..., None], (20, 20, 160), (240, 240, 250))
    floor = (120 + 30 * y / 300)[..., None] + np.random.default_rng(0).normal(0, 25, (300, 400, 1))
    return np.where(mask[..., None], chequers, np.clip(floor, 0, 255)).astype(np.uint8), mask


def test_ncut_finds_a_ball_with_features_alone_on_the_encoders_grid(detector, textured):
    image, mask = textured
    [soft] = detector.soft_maps([image], ["ball"])
    assert soft.shape == (22, 30)  # 360 × 480 pixels in cells of 16, rounded
    found = find_proposals("ball", quantise(soft), mask.shape, SaliencySettings())
    overlap = (found.mask(0) & mask).sum() / (found.mask(0) | mask).sum()
    assert overlap > 0.5


def test_ncut_names_its_encoders_weights(detector):
    assert list(detector.weights_sha256) == ["efficientnet-lite0"]
    assert len(detector.weights_sha256["efficientnet-lite0"]) == 64


def test_an_image_has_the_same_map_alone_and_among_others(detector, textured):
    image, _ = textured
    others = [image[:200], image[::-1].copy()]
    together = detector.soft_maps([*others, image], ["a", "b", "c"])
    assert np.array_equal(together[2], detector.soft_maps([image], ["c"])[0])
