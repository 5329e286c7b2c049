"""Intervals of class differences: the draws of the mIoU's bootstrap, and the scores of plain sums."""

import numpy as np
import pytest

from comus_core.errors import SettingsError
from comus_core.evaluation.bootstrap import CountedImages, draws, paired_bootstrap
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import match

IDS = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture
def tables():
    """Two predictions, (6, 4, 3) pixels each, of the same ground truth."""
    rng = np.random.default_rng(5)
    first = rng.integers(0, 30, (6, 4, 3))
    true = first.sum(axis=1)
    shares = rng.dirichlet(np.ones(4), (6, 3))
    second = np.floor(shares * true[:, :, None]).astype(np.int64).transpose(0, 2, 1)
    second[:, 0] += true - second.sum(axis=1)
    return first, second


def counted(values, ids=IDS):
    return CountedImages(ImageRows.of_tables(ids, values), "majority")


def test_differences_and_intervals_are_those_of_scores_by_hand_under_the_matching_of_all_images(tables):
    one, two = (match(values.sum(axis=0), "majority").class_of for values in tables)
    found = paired_bootstrap(*map(counted, tables), resamples=40, seed=3)
    (weights,) = draws(6, 40, 3, 12)

    def ious(values, class_of, weight):
        table = sum(w * v for w, v in zip(weight, values, strict=True))
        answer = []
        for c in range(3):
            own = [k for k in range(4) if class_of[k] == c]
            hit = sum(int(table[k, c]) for k in own)
            union = sum(int(table[k].sum()) for k in own) + int(table[:, c].sum()) - hit
            answer.append(100 * hit / union if union else 0.0)
        return answer

    by_hand = np.array([np.subtract(ious(tables[1], two, w), ious(tables[0], one, w)) for w in weights])
    every = np.subtract(ious(tables[1], two, np.ones(6, int)), ious(tables[0], one, np.ones(6, int)))
    expected = zip(every, *np.percentile(by_hand, [2.5, 97.5], axis=0), strict=True)
    for ends, own in zip(expected, found.classes, strict=True):
        assert own == pytest.approx(ends, abs=1e-9)
    fixed = paired_bootstrap(*(counted(v).with_fixed_matching() for v in tables), resamples=40, seed=3)
    means = np.percentile(by_hand.mean(axis=1), [2.5, 97.5])
    assert (fixed.low, fixed.high) == pytest.approx(tuple(means), abs=1e-9)
    assert fixed.classes == found.classes and fixed.matching_fixed and not found.matching_fixed


def test_images_are_joined_by_id(tables):
    first, second = map(counted, tables)
    turned = counted(tables[1][::-1], IDS[::-1])
    assert first.rows.paired(turned.rows).tolist() == [5, 4, 3, 2, 1, 0]
    same, other = (paired_bootstrap(first, side, resamples=20) for side in (second, turned))
    assert same == other


def test_other_images_or_another_ground_truth_are_refused(tables):
    first = counted(tables[0])
    with pytest.raises(SettingsError, match="2 images in one of the two scores alone, such as f, z"):
        paired_bootstrap(first, counted(tables[0], [*IDS[:-1], "z"]))
    with pytest.raises(SettingsError, match="different ground truth"):
        paired_bootstrap(first, counted(tables[0] + 1))
    with pytest.raises(SettingsError, match="at least 1"):
        paired_bootstrap(first, first, resamples=0)
