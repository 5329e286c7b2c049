"""Intervals of class differences: the draws of the whole's bootstrap, and the scores of plain sums."""

import numpy as np
import pytest

from comus_core.errors import SettingsError
from comus_core.evaluation.bootstrap import CountedImages, draws, paired_bootstrap
from comus_core.evaluation.class_bootstrap import paired_class_bootstrap
from comus_core.evaluation.image_rows import ImageRows, class_pixels
from comus_core.evaluation.matching import match
from comus_core.evaluation.pairing import paired_rows

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


def sides(tables):
    found = []
    for values in tables:
        matched = match(values.sum(axis=0), "majority")
        found.append((CountedImages(ImageRows.of_tables(IDS, values), matched), matched.class_of))
    return found


def test_differences_and_intervals_are_those_of_scores_by_hand(tables):
    (_, one), (_, two) = sides(tables)
    pixels = [class_pixels(ImageRows.of_tables(IDS, v), k) for v, k in zip(tables, (one, two), strict=True)]
    found = paired_class_bootstrap(*pixels, resamples=40, seed=3)
    (weights,) = draws(6, 40, 3, 3)

    def ious(values, class_of, weight):
        table = sum(w * v for w, v in zip(weight, values, strict=True))
        answer = []
        for c in range(3):
            own = [k for k in range(4) if class_of[k] == c]
            hit = sum(int(table[k, c]) for k in own)
            union = sum(int(table[k].sum()) for k in own) + int(table[:, c].sum()) - hit
            answer.append(100 * hit / union if union else 0.0)
        return [*answer, sum(answer) / 3]

    by_hand = np.array([np.subtract(ious(tables[1], two, w), ious(tables[0], one, w)) for w in weights])
    assert found.low == pytest.approx(np.percentile(by_hand, 2.5, axis=0), abs=1e-9)
    assert found.high == pytest.approx(np.percentile(by_hand, 97.5, axis=0), abs=1e-9)
    whole = np.subtract(ious(tables[1], two, np.ones(6, int)), ious(tables[0], one, np.ones(6, int)))
    assert found.difference == pytest.approx(whole, abs=1e-9)


def test_the_mean_of_the_classes_has_the_interval_of_the_bootstrap_of_miou(tables):
    (first, one), (second, two) = sides(tables)
    pixels = [class_pixels(ImageRows.of_tables(IDS, v), k) for v, k in zip(tables, (one, two), strict=True)]
    found, whole = paired_class_bootstrap(*pixels, resamples=500), paired_bootstrap(first, second, resamples=500)
    ends = (found.difference[-1], found.low[-1], found.high[-1])
    assert ends == pytest.approx((whole.difference, whole.low, whole.high), abs=1e-9)


def test_images_are_joined_by_id(tables):
    (_, one), (_, two) = sides(tables)
    first = class_pixels(ImageRows.of_tables(IDS, tables[0]), one)
    second = class_pixels(ImageRows.of_tables(IDS, tables[1]), two)
    turned = class_pixels(ImageRows.of_tables(IDS[::-1], tables[1][::-1]), two)
    order = paired_rows(first.image_ids, turned.image_ids, (first.true, turned.true))
    assert order.tolist() == [5, 4, 3, 2, 1, 0]
    same, other = (paired_class_bootstrap(first, side, resamples=20) for side in (second, turned))
    assert same.low.tolist() == other.low.tolist()


def test_other_images_or_another_ground_truth_are_refused(tables):
    first = class_pixels(ImageRows.of_tables(IDS, tables[0]), np.array([0, 1, 2, 2]))
    elsewhere = class_pixels(ImageRows.of_tables([*IDS[:-1], "z"], tables[0]), np.array([0, 1, 2, 2]))
    with pytest.raises(SettingsError, match="2 images in one of the two scores alone, such as f, z"):
        paired_class_bootstrap(first, elsewhere)
    with pytest.raises(SettingsError, match="different ground truth"):
        paired_class_bootstrap(first, class_pixels(ImageRows.of_tables(IDS, tables[0] + 1), np.array([0, 1, 2, 2])))
    with pytest.raises(SettingsError, match="at least 1"):
        paired_class_bootstrap(first, first, resamples=0)
