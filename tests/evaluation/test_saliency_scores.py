"""Scores of soft maps against loops over pixels, and against scikit-learn where it has the same."""

import numpy as np
import pytest
from sklearn.metrics import fbeta_score, jaccard_score, mean_absolute_error, precision_score, recall_score

from comus_core.errors import DatasetError
from comus_core.evaluation import saliency_scores
from comus_core.evaluation.saliency_scores import (
    LEVELS,
    agreement_matrix,
    ious,
    level_counts,
    max_f_measure,
    mean_iou,
    overlap,
    pooled_iou,
    precision_and_recall,
)


def scene(rng, height=13, width=17, foreground=0.3):
    """A map that has something of the truth, the truth, and where it says something."""
    true = rng.random((height, width)) < foreground
    soft = np.clip(rng.integers(0, LEVELS, true.shape) // 2 + 90 * true, 0, 255).astype(np.uint8)
    return soft, true, rng.random(true.shape) < 0.8


def test_overlaps_are_those_of_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b, valid = (rng.random((6, 9)) < share for share in (0.4, 0.5, 0.7))
        both = sum(a[i, j] and b[i, j] and valid[i, j] for i in range(6) for j in range(9))
        either = sum((a[i, j] or b[i, j]) and valid[i, j] for i in range(6) for j in range(9))
        assert overlap(a, b, valid) == (both, either)
        assert ious([overlap(a, b)])[0] == pytest.approx(jaccard_score(a.ravel(), b.ravel()), abs=1e-15)


def test_two_empty_masks_agree_and_an_empty_one_and_another_do_not():
    none, some = np.zeros((4, 4), bool), np.eye(4, dtype=bool)
    assert ious([overlap(none, none), overlap(none, some), overlap(some, some)]).tolist() == [1, 0, 1]
    assert mean_iou([(0, 0), (1, 2)]) == 0.75 and pooled_iou([(0, 0), (1, 2)]) == 0.5
    assert pooled_iou([(0, 0)]) is None and mean_iou(np.zeros((0, 2))) is None and ious([]).shape == (0,)


def test_pooled_and_mean_iou_differ_as_defined():
    overlaps = np.array([(10, 10), (0, 30)])
    assert mean_iou(overlaps) == 0.5 and pooled_iou(overlaps) == 0.25


def test_levels_are_counted_where_the_truth_says_something():
    soft, true, valid = scene(np.random.default_rng(1))
    counts = level_counts(soft, true, valid)
    for level in range(LEVELS):
        for kind in (False, True):
            expected = sum(
                1 for s, t, v in zip(soft.flat, true.flat, valid.flat, strict=True) if v and s == level and t == kind
            )
            assert counts[int(kind), level] == expected


def test_precision_and_recall_at_every_threshold_are_those_of_scikit_learn():
    soft, true, valid = scene(np.random.default_rng(2))
    precision, recall = precision_and_recall(level_counts(soft, true, valid))
    for level in range(LEVELS):
        predicted = (soft >= level)[valid]
        assert precision[level] == pytest.approx(precision_score(true[valid], predicted, zero_division=0), abs=1e-12)
        assert recall[level] == pytest.approx(recall_score(true[valid], predicted), abs=1e-12)


def test_max_f_is_f_of_the_mean_precision_and_the_mean_recall():
    rng = np.random.default_rng(3)
    scenes = [scene(rng, 8 + k, 11, 0.1 + 0.1 * k) for k in range(2)]
    best = max_f_measure(np.array([level_counts(*one) for one in scenes]))
    values = []
    for level in range(LEVELS):
        p = np.mean([precision_score(t[v], (s >= level)[v], zero_division=0) for s, t, v in scenes])
        r = np.mean([recall_score(t[v], (s >= level)[v]) for s, t, v in scenes])
        values.append(1.3 * p * r / (0.3 * p + r) if p + r else 0.0)
    assert best.value == pytest.approx(max(values), abs=1e-12)
    assert values[best.level] == pytest.approx(max(values), abs=1e-12)


def test_max_f_of_one_image_is_the_best_f_beta_of_scikit_learn():
    soft, true, valid = scene(np.random.default_rng(4))
    best = max_f_measure([level_counts(soft, true, valid)])
    values = [
        fbeta_score(true[valid], (soft >= level)[valid], beta=0.3**0.5, zero_division=0) for level in range(LEVELS)
    ]
    assert best.value == pytest.approx(max(values), abs=1e-12)


def test_a_perfect_map_has_f_1_and_no_error_and_its_inverse_the_most_error():
    true = np.zeros((10, 10), bool)
    true[2:5, 3:9] = True
    everywhere = np.ones_like(true)
    counts = level_counts(255 * true.astype(np.uint8), true, everywhere)
    assert max_f_measure([counts]).value == 1 and max_f_measure([counts]).level == 1
    assert saliency_scores.mean_absolute_error([counts]) == 0
    worst = level_counts(255 * (~true).astype(np.uint8), true, everywhere)
    assert saliency_scores.mean_absolute_error([worst]) == 1


def test_images_without_objects_have_no_f_but_an_error():
    nothing = level_counts(np.full((4, 4), 51, np.uint8), np.zeros((4, 4), bool), np.ones((4, 4), bool))
    ignored = level_counts(np.zeros((4, 4), np.uint8), np.zeros((4, 4), bool), np.zeros((4, 4), bool))
    soft, true, valid = scene(np.random.default_rng(5))
    counts = level_counts(soft, true, valid)
    assert max_f_measure([nothing]) is None
    assert max_f_measure([nothing, counts]) == max_f_measure([counts])
    assert saliency_scores.mean_absolute_error([nothing]) == pytest.approx(0.2)
    assert saliency_scores.mean_absolute_error([nothing, ignored]) == pytest.approx(0.2)
    assert saliency_scores.mean_absolute_error([ignored]) is None


def test_the_error_is_that_of_scikit_learn_averaged_over_images():
    rng = np.random.default_rng(6)
    scenes = [scene(rng, 9, 7 + k) for k in range(3)]
    expected = np.mean([mean_absolute_error(t[v].astype(float), s[v] / 255) for s, t, v in scenes])
    assert saliency_scores.mean_absolute_error([level_counts(*one) for one in scenes]) == pytest.approx(expected)


def test_the_matrix_holds_the_mean_of_every_pair():
    pairs = np.array([(0.1, 0.2, 0.3), (0.3, 0.4, 0.9)])  # of 0-1, 0-2, 1-2
    expected = [[1, 0.2, 0.3], [0.2, 1, 0.6], [0.3, 0.6, 1]]
    assert np.allclose(agreement_matrix(pairs, 3), expected, atol=1e-15)
    assert agreement_matrix(np.zeros((2, 0)), 1).tolist() == [[1]]


def test_sizes_that_differ_are_told():
    one, other = np.zeros((3, 4), bool), np.zeros((4, 3), bool)
    with pytest.raises(DatasetError, match=r"masks of \(3, 4\) and \(4, 3\) pixels"):
        overlap(one, other)
    with pytest.raises(DatasetError, match="give equal sizes"):
        level_counts(np.zeros((3, 4), np.uint8), other, other)
