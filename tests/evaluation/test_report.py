"""Scores of a contingency table, checked by hand, and the curve over the filter percentage."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.clustering.filtering import filter_rank, kept
from comus_core.errors import SettingsError
from comus_core.evaluation.counts import Counts
from comus_core.evaluation.matching import Matching, match
from comus_core.evaluation.report import confusion, filter_curve, score
from tests.builders import contingency

CLASSES = ("background", "cat", "dog")


def test_the_mean_is_over_all_classes_background_included_and_pools_the_pixels():
    table = np.array([[70, 10, 0], [0, 0, 12], [5, 3, 0]])
    got = score(table, match(table), CLASSES)
    # Row 1 is dog, row 2 cat: background 70/85, cat 3/18, dog 12/12.
    assert got.matching == "hungarian"
    assert got.per_class == pytest.approx({"background": 7000 / 85, "cat": 300 / 18, "dog": 100.0}, abs=1e-12)
    assert list(got.per_class) == list(CLASSES)
    assert got.miou == pytest.approx((7000 / 85 + 300 / 18 + 100) / 3, abs=1e-12)
    assert got.pixel_accuracy == pytest.approx(8500 / 100, abs=1e-12)
    assert got.class_of == {"background": "background", "cluster 0": "dog", "cluster 1": "cat"}


def test_a_class_that_is_neither_true_nor_predicted_counts_zero():
    table = np.array([[50, 0, 0], [0, 50, 0], [0, 0, 0]])
    got = score(table, match(table), CLASSES)
    assert got.per_class["dog"] == 0
    assert got.miou == pytest.approx(200 / 3, abs=1e-12)
    assert got.pixel_accuracy == 100


def test_predicting_background_everywhere_scores_the_share_of_background_over_the_classes():
    table = np.zeros((21, 21), np.int64)
    table[0] = [7300, *[135] * 20]
    got = score(table, match(table), [str(k) for k in range(21)])
    assert got.miou == pytest.approx(73 / 21, abs=1e-12)


def test_an_empty_table_scores_zero():
    got = score(np.zeros((3, 3), np.int64), match(np.zeros((3, 3), np.int64)), CLASSES)
    assert (got.miou, got.pixel_accuracy) == (0, 0)


def test_majority_merges_rows_of_a_class_before_the_iou():
    table = np.array([[80, 0, 2], [0, 30, 0], [4, 20, 0], [0, 0, 9]])
    got = score(table, match(table), CLASSES)
    assert got.matching == "majority"
    assert got.per_class["cat"] == pytest.approx(100 * 50 / 54, abs=1e-12)
    assert got.pixel_accuracy == pytest.approx(100 * 139 / 145, abs=1e-12)


def test_pixels_of_a_row_without_a_class_are_errors_that_no_class_gains():
    table = np.array([[90, 0], [0, 20], [0, 10]])
    got = score(table, match(table, "hungarian"), ("background", "cat"))
    assert got.matching == "hungarian-rectangular"
    assert got.class_of == {"background": "background", "cluster 0": "cat", "cluster 1": None}
    assert got.per_class == pytest.approx({"background": 100.0, "cat": 100 * 20 / 30}, abs=1e-12)
    assert got.pixel_accuracy == pytest.approx(100 * 110 / 120, abs=1e-12)


def test_a_class_without_a_row_scores_zero():
    table = np.array([[90, 0, 5], [0, 20, 5]])
    got = score(table, match(table, "hungarian"), CLASSES)
    assert got.per_class == pytest.approx({"background": 9000 / 95, "cat": 80.0, "dog": 0.0}, abs=1e-12)


def test_a_frozen_matching_is_used_even_where_it_is_not_the_best():
    table = np.array([[60, 0, 0], [0, 20, 0], [0, 0, 20]])
    frozen = Matching("hungarian", np.array([0, 2, 1]))
    got = score(table, frozen, CLASSES)
    assert got.per_class == {"background": 100.0, "cat": 0.0, "dog": 0.0}
    assert score(table, match(table), CLASSES).miou == 100


def test_the_confusion_table_keeps_every_pixel_and_ends_with_no_class():
    table = np.array([[9, 1], [2, 8], [3, 4]])
    frozen = Matching("hungarian-rectangular", np.array([1, 0, -1]))
    assert confusion(table, frozen).tolist() == [[2, 8], [9, 1], [3, 4]]


def test_rows_of_one_name_stay_apart():
    table = np.diag([5, 5, 5])
    got = score(table, match(table), CLASSES, ("background", "pet", "pet"))
    assert got.class_of == {"background": "background", "pet": "cat", "pet (1)": "dog"}
    got = score(table, match(table), CLASSES, ("background", "background", "pet"))
    assert got.class_of == {"background": "background", "background (0)": "cat", "pet": "dog"}


def test_numbers_and_names_that_do_not_fit_are_refused():
    table = np.diag([5, 5, 5])
    with pytest.raises(SettingsError, match="2 class names for 3 classes"):
        score(table, match(table), ("background", "cat"))
    with pytest.raises(SettingsError, match="'cat' is given twice"):
        score(table, match(table), ("background", "cat", "cat"))
    with pytest.raises(SettingsError, match="2 row names for background and 2"):
        score(table, match(table), CLASSES, ("background", "pet"))
    with pytest.raises(SettingsError, match="a matching of 2 rows"):
        score(table, Matching("majority", np.array([0, 1])), CLASSES)
    with pytest.raises(SettingsError, match="classes up to 3"):
        score(table, Matching("majority", np.array([0, 1, 3])), CLASSES)


def random_run(seed, n=40, clusters=4, classes=5):
    """Counts of n proposals on n / 2 images and n more images without, with clusters, distances and ids."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"image {k // 2}#{k % 2}" for k in range(n)], dtype=object)
    images = np.array([*(i.split("#")[0] for i in ids), *(f"image {k}" for k in range(n + n // 2))], dtype=object)
    rows = np.array([*ids, *[""] * (n + n // 2)], dtype=object)
    counts = Counts(images, rows, rng.integers(0, 50, (len(rows), classes)))
    cluster = rng.integers(-1, clusters, n).astype(np.int32)
    return counts, ids, cluster, rng.choice([0.1, 0.2, 0.3], n).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["auto", "hungarian", "majority"]), st.booleans())
def test_each_point_of_the_curve_is_the_score_computed_alone(seed, mode, freeze):
    counts, ids, cluster, distance = random_run(seed)
    reject = np.array([0, 1, -1, 1, -1])  # two clusters merged, one rejected; the last entry is for unassigned ones
    category, percents = reject[cluster], [0, 5, 12.5, 20, 50, 99, 100]
    rank = filter_rank(cluster, distance, ids)
    frozen = Matching("majority", np.array([0, 3, 1])) if freeze else None
    curve = filter_curve(counts, ids, category, rank, 2, percents=percents, matching=frozen or mode)
    assert [point.percent for point in curve] == percents
    for point in curve:
        core = kept(cluster, distance, ids, point.percent) & (category >= 0)
        table = contingency(counts, dict(zip(ids, np.where(core, category, -1).tolist(), strict=True)), 2)
        alone = score(table, frozen or match(table, mode), list("abcde"))
        assert point.kept == core.sum()
        assert point.coverage == core.sum() / max((category >= 0).sum(), 1)
        assert point.miou == alone.miou


def test_the_curve_starts_with_everything_and_never_gains_proposals():
    counts, ids, cluster, distance = random_run(0)
    curve = filter_curve(counts, ids, cluster, filter_rank(cluster, distance, ids), 4)
    assert len(curve) == 101
    assert (curve[0].kept, curve[0].coverage) == ((cluster >= 0).sum(), 1)
    assert curve[100].kept == len(set(cluster.tolist()) - {-1})
    assert all(later.kept <= earlier.kept for earlier, later in pairwise(curve))


def test_percentages_come_back_in_the_order_asked_even_twice():
    counts, ids, cluster, distance = random_run(1)
    rank = filter_rank(cluster, distance, ids)
    asked = filter_curve(counts, ids, cluster, rank, 4, percents=[60, 0, 60])
    assert [point.percent for point in asked] == [60, 0, 60]
    assert asked[0] == asked[2] != asked[1]


def test_proposals_whose_image_has_no_ground_truth_are_kept_and_dropped_but_score_nothing():
    counts, ids, cluster, _ = random_run(2)
    more_ids = np.append(ids, "unlabelled#0").astype(object)
    more = filter_curve(counts, more_ids, np.append(cluster, 0), np.append(np.full(len(ids), np.inf), np.inf), 4)
    fewer = filter_curve(counts, ids, cluster, np.full(len(ids), np.inf), 4)
    assert [p.miou for p in more] == [p.miou for p in fewer]
    assert more[0].kept == fewer[0].kept + 1


def test_a_curve_of_no_proposals_is_background_alone():
    counts = Counts(np.array(["a"], object), np.array([""], object), np.array([[30, 10]]))
    [point] = filter_curve(counts, [], np.zeros(0, int), np.zeros(0), 1, percents=[20])
    assert (point.kept, point.coverage) == (0, 0)
    assert point.miou == pytest.approx(100 * 0.75 / 2, abs=1e-12)


def test_a_curve_refuses_what_does_not_fit():
    counts, ids, cluster, distance = random_run(3)
    rank = filter_rank(cluster, distance, ids)
    with pytest.raises(SettingsError, match="40 proposals, 39 categories"):
        filter_curve(counts, ids, cluster[1:], rank, 4)
    with pytest.raises(SettingsError, match=r"filter 101\.0"):
        filter_curve(counts, ids, cluster, rank, 4, percents=[101])
    with pytest.raises(SettingsError, match="of 2: categories are 0 to 1"):
        filter_curve(counts, ids, np.where(cluster == 3, 2, 0), rank, 2)
