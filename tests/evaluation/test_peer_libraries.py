"""Counts and scores against libraries that were written apart from this one: scikit-learn, pycocotools, SciPy."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score

from comus_core.evaluation.counts import count_image
from comus_core.evaluation.matching import iou_matrix, match, one_to_one
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.evaluation.report import score

CLASSES = ("background", "cat", "dog", "bus")
N = len(CLASSES)


def drawn(seed, absent=None, images=3):
    """Predicted and true masks of images of different sizes: blocks, noise and void."""
    rng, pairs = np.random.default_rng(seed), []
    present = [k for k in range(N) if k != absent]
    for number in range(images):
        shape = 12 + number, 17 - number
        truth = np.kron(rng.choice(present, (3, 3)), np.ones((6, 6), int))[: shape[0], : shape[1]].astype(np.uint8)
        mask = np.where(rng.random(shape[:2]) < 0.7, truth, rng.choice(present, shape)).astype(np.uint8)
        truth[rng.random(truth.shape) < 0.1] = 255
        pairs.append((mask, truth))
    return pairs


def pooled(pairs):
    """The pixels that count, one after the other."""
    masks, truths = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    return masks[truths != 255], truths[truths != 255]


def counted(pairs):
    return sum(count_prediction(str(k), mask, truth, 255, N - 1, N) for k, (mask, truth) in enumerate(pairs))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("absent", [None, 2])
def test_the_table_and_every_score_are_those_of_scikit_learn(seed, absent):
    pairs = drawn(seed, absent)
    table, (predicted, true) = counted(pairs), pooled(pairs)
    assert np.array_equal(table, confusion_matrix(true, predicted, labels=range(N)).T)
    matching = match(table)
    found, renamed = score(table, matching, CLASSES), matching.class_of[predicted]
    # `zero_division=0`: scikit-learn's name for a class that is in neither, which counts 0 and is in the mean.
    theirs = jaccard_score(true, renamed, labels=range(N), average=None, zero_division=0)
    assert np.allclose(list(found.per_class.values()), 100 * theirs, rtol=0, atol=1e-12)
    mean = jaccard_score(true, renamed, labels=range(N), average="macro", zero_division=0)
    assert found.miou == pytest.approx(100 * mean, abs=1e-12)
    assert found.pixel_accuracy == pytest.approx(100 * accuracy_score(true, renamed), abs=1e-12)
    assert absent is None or found.per_class[CLASSES[absent]] == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_iou_of_each_pair_is_that_of_pycocotools_masks(seed):
    [(mask, truth)] = drawn(seed, images=1)
    truth[truth == 255] = 0  # its masks know no void

    def encoded(values):
        return [coco_mask.encode(np.asfortranarray(values == k, np.uint8)) for k in range(N)]

    theirs = coco_mask.iou(encoded(mask), encoded(truth), [0] * N)
    table = count_prediction("one", mask, truth, None, N - 1, N)
    assert np.allclose(iou_matrix(table), theirs, rtol=0, atol=1e-12)
    assert table.sum(axis=1).tolist() == [int(coco_mask.area(rle)) for rle in encoded(mask)]


@pytest.mark.parametrize("seed", range(3))
def test_pixels_of_a_class_in_a_proposal_are_those_of_pycocotools_masks(seed):
    [(mask, truth)] = drawn(seed, images=1)
    proposals = [mask == k for k in range(1, N)]
    rows = count_image(truth, 255, proposals, N)
    for proposal, row in zip(proposals, rows, strict=False):
        one = coco_mask.encode(np.asfortranarray(proposal, np.uint8))
        for k in range(N):
            other = coco_mask.encode(np.asfortranarray(truth == k, np.uint8))
            assert coco_mask.area(coco_mask.merge([one, other], intersect=True)) == row[k]


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_scipys_assignment_is_the_best_of_all_permutations(k, seed):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 50, (k, k)) * (rng.random((k, k)) < 0.7)
    iou = iou_matrix(table)
    rows, classes = linear_sum_assignment(iou, maximize=True)
    best = max(iou[range(k), order].sum() for order in permutations(range(k)))
    assert iou[rows, classes].sum() == pytest.approx(best, abs=1e-12)
    assert iou[range(k), one_to_one(table)].sum() == pytest.approx(best, abs=1e-12)


def test_the_scores_do_not_see_what_is_predicted_on_void():
    pairs = drawn(0)
    other = [(np.where(truth == 255, 3, mask).astype(np.uint8), truth) for mask, truth in pairs]
    assert not any(np.array_equal(a[0], b[0]) for a, b in zip(pairs, other, strict=True))
    assert np.array_equal(counted(pairs), counted(other))


def test_background_everywhere_scores_its_share_over_the_classes_on_pixels_too():
    pairs = [(np.zeros_like(mask), truth) for mask, truth in drawn(1)]
    _, true = pooled(pairs)
    table = counted(pairs)
    found = score(table, match(table), CLASSES)
    share = np.count_nonzero(true == 0) / len(true)
    # The one row with pixels may take any class: it takes that of the highest IoU, which is its share of the pixels.
    best = max(np.count_nonzero(true == k) / len(true) for k in range(N))
    assert found.miou == pytest.approx(100 * best / N, abs=1e-12)
    assert best >= share


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", ["hungarian", "majority"])
def test_renaming_the_clusters_in_the_masks_changes_no_score(seed, mode):
    pairs = drawn(seed)
    order = np.concatenate([[0], 1 + np.random.default_rng(seed).permutation(N - 1)]).astype(np.uint8)
    renamed = [(order[mask], truth) for mask, truth in pairs]
    before, after = (score(t, match(t, mode), CLASSES) for t in map(counted, (pairs, renamed)))
    assert (after.miou, after.pixel_accuracy, after.per_class) == (before.miou, before.pixel_accuracy, before.per_class)
