"""Recursive two-way cuts: a dense solver and the definition of the value, written out, and scenes of known parts."""

import numpy as np
import pytest
import scipy.linalg
from skimage import data

from comus_core.features.encoders import load_encoder
from comus_core.saliency.cuts.normalised_cut import affinity_matrix
from comus_core.saliency.cuts.recursive_cut import best_cut, foreground_parts, parts_of, recursive_cut, split_values
from tests.saliency.cuts.drawn_features import regions, three_objects

WHOLE = {"ncut": 0.3, "most": 8, "least": 0.01, "ground_corners": 2}


def value_of(affinity, one, other):
    """Ncut by its definition, sum by sum."""
    cut = sum(affinity[i, j] for i in one for j in other)
    both = [*one, *other]
    return cut / sum(affinity[i, j] for i in one for j in both) + cut / sum(affinity[i, j] for i in other for j in both)


def slow_cut(affinity, part, smallest):
    """The cheapest of all splits along the dense generalised eigenvector of a part."""
    own = affinity[np.ix_(part, part)]
    degree = np.diag(own.sum(axis=1))
    v = scipy.linalg.eigh(degree - own, degree)[1][:, 1]
    order = [part[k] for k in np.argsort(v, kind="stable")]
    splits = [(order[:k], order[k:]) for k in range(smallest, len(part) - smallest + 1)]
    one, other = min(splits, key=lambda pair: value_of(affinity, *pair))
    return value_of(affinity, one, other), {frozenset(map(int, one)), frozenset(map(int, other))}


def slow_parts(affinity, ncut, most, smallest):
    """The cheapest cut of any part first, until none is cheap enough."""
    parts = [frozenset(range(len(affinity)))]
    while len(parts) < most:
        cuts = [(*slow_cut(affinity, sorted(part), smallest), part) for part in parts if len(part) >= 2 * smallest]
        value, sides, part = min(cuts, key=lambda cut: cut[0])
        if value > ncut:
            break
        parts = [*(other for other in parts if other != part), *sides]
    return set(parts)


def graded(labels, noise, seed):
    """Affinities without ties, so that every order of cells is the only one."""
    features = regions(labels, noise=noise, seed=seed)
    cells = features.reshape(-1, features.shape[-1]).astype(float)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    return np.exp((cells @ cells.T - 1) / 0.3)


def test_the_value_of_each_split_is_that_of_its_definition():
    rng = np.random.default_rng(0)
    affinity = rng.random((9, 9))
    affinity += affinity.T
    expected = [value_of(affinity, range(k), range(k, 9)) for k in range(1, 9)]
    assert np.allclose(split_values(affinity), expected)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("smallest", [1, 4])
def test_the_parts_are_those_of_a_dense_solver_and_all_splits_tried_one_by_one(seed, smallest):
    affinity = graded(three_objects()[:9:2, ::2], 0.9, seed)  # 5 × 12 cells
    ncut = slow_cut(affinity, list(range(60)), smallest)[0] * 1.3
    found = parts_of(affinity, ncut, 5, smallest)
    assert {frozenset(map(int, part)) for part in found} == slow_parts(affinity, ncut, 5, smallest)
    assert [int(part[0]) for part in found] == sorted(int(part[0]) for part in found)


def test_the_first_cut_of_a_photograph_is_that_of_the_dense_solver():
    encoder = load_encoder("efficientnet-lite0")
    for image in (data.chelsea()[:150, 100:300], data.astronaut()[:200, 150:350]):
        [features] = encoder.dense([image], 112)
        affinity = affinity_matrix(features, 0.3)
        cells = np.arange(len(affinity))
        cut = best_cut(affinity, cells, 2)
        value, sides = slow_cut(affinity, cells.tolist(), 2)
        assert cut.value == pytest.approx(value, rel=1e-6)
        assert {frozenset(map(int, cut.one)), frozenset(map(int, cut.other))} == sides


def test_three_objects_are_found_and_the_background_is_none():
    labels = three_objects()
    maps = recursive_cut(regions(labels), 0.4, **WHOLE)
    assert maps.shape == (3, 16, 24) and maps.dtype == np.float32 and maps.min() >= 0 and maps.max() <= 1
    assert [np.unique(labels[soft > 0.5]).tolist() for soft in maps] == [[1], [2], [3]]
    assert all(np.array_equal(soft > 0.5, labels == k) for k, soft in enumerate(maps, 1))


def test_objects_of_one_kind_that_are_apart_are_two_and_those_too_small_none():
    labels = np.zeros((16, 24), int)
    labels[2:9, 2:10] = labels[3:9, 14:19] = labels[12, 20] = 1
    maps = recursive_cut(regions(labels), 0.4, **WHOLE)
    assert [int((soft > 0.5).sum()) for soft in maps] == [56, 30]


def test_the_limits_are_kept():
    features = regions(three_objects())
    affinity = affinity_matrix(features, 0.4)
    assert len(parts_of(affinity, 0.3, 3, 1)) == 3 and len(parts_of(affinity, 0.3, 8, 1)) == 4
    assert len(parts_of(affinity, 1e-9, 8, 1)) == 1
    assert all(len(part) >= 20 for part in parts_of(affinity, 2.0, 8, 20))
    assert recursive_cut(features, 0.4, **WHOLE | {"ncut": 1e-9}).shape == (0, 16, 24)


def test_the_part_with_the_most_border_and_any_with_two_corners_are_background():
    labels = np.zeros((16, 24), int)
    labels[12:] = 1  # a floor: it has 30 of the 76 cells on the border, and two corners
    labels[4:9, 8:14] = 2
    [soft] = recursive_cut(regions(labels), 0.4, **WHOLE)
    assert np.array_equal(soft > 0.5, labels == 2)
    floor, ball = recursive_cut(regions(labels), 0.4, **WHOLE | {"ground_corners": 3})[::-1]
    assert np.array_equal(floor > 0.5, labels == 1) and np.array_equal(ball > 0.5, labels == 2)
    parts = [np.flatnonzero(labels == k) for k in range(3)]
    assert [foreground_parts(parts, labels.shape, corners) for corners in (1, 2, 3)] == [[2], [2], [1, 2]]


def test_an_object_in_a_corner_is_one():
    labels = np.zeros((16, 24), int)
    labels[10:, 18:] = 1
    [soft] = recursive_cut(regions(labels), 0.4, **WHOLE)
    assert np.array_equal(soft > 0.5, labels == 1)
    assert recursive_cut(regions(labels), 0.4, **WHOLE | {"ground_corners": 1}).shape == (0, 16, 24)


def test_where_all_cells_are_alike_there_is_no_object():
    assert recursive_cut(np.ones((6, 8, 4), np.float32), 0.2, **WHOLE).shape == (0, 6, 8)
    assert recursive_cut(np.zeros((6, 8, 4), np.float32), 0.2, **WHOLE).shape == (0, 6, 8)
