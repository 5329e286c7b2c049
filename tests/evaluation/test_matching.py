"""Rows to classes: one to one or by majority, on IoU, background neither fixed nor left out."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.errors import SettingsError
from comus_core.evaluation.matching import iou_matrix, majority, match, one_to_one
from comus_core.evaluation.report import score


@st.composite
def tables(draw):
    """Small contingency tables with many zeros and ties."""
    r, n = draw(st.integers(2, 5)), draw(st.integers(2, 5))
    cells = draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, 7]), min_size=r * n, max_size=r * n))
    return np.array(cells, np.int64).reshape(r, n)


def test_iou_is_intersection_over_union_and_zero_where_both_are_empty():
    table = np.array([[6, 2, 0], [0, 4, 0], [0, 0, 0]])
    assert iou_matrix(table).tolist() == [[6 / 8, 2 / 12, 0], [0, 4 / 6, 0], [0, 0, 0]]


def test_a_table_without_pixels_has_iou_zero_everywhere():
    assert not iou_matrix(np.zeros((3, 3), np.int64)).any()


@settings(deadline=None)
@given(tables())
def test_one_to_one_reaches_the_best_total_of_all_assignments(table):
    iou, class_of = iou_matrix(table), one_to_one(table)
    rows, n = table.shape
    slots = [*range(n), *([-1] * max(rows - n, 0))]
    best = max(sum(iou[r, k] for r, k in enumerate(c) if k >= 0) for c in permutations(slots, rows))
    assigned = [(r, k) for r, k in enumerate(class_of) if k >= 0]
    assert abs(sum(iou[r, k] for r, k in assigned) - best) < 1e-12
    assert len({k for _, k in assigned}) == len(assigned) == min(rows, n)


def test_iou_decides_and_not_the_number_of_pixels():
    table = np.array([[10, 0, 1], [0, 2, 2], [30, 15, 0]])
    # Total IoU 10/41 + 2/5 + 15/47 = 0.96 with 27 pixels right, against 1/13 + 2/19 + 30/55 = 0.73 with 33.
    assert one_to_one(table).tolist() == [0, 2, 1]


def test_the_background_row_takes_another_class_where_that_fits_better():
    table = np.array([[0, 90], [80, 0]])
    assert match(table).class_of.tolist() == [1, 0]
    assert match(table, "majority").class_of.tolist() == [1, 0]


def test_auto_is_one_to_one_for_as_many_categories_as_foreground_classes_else_majority():
    assert match(np.ones((4, 4), int)).mode == "hungarian"
    assert match(np.ones((5, 4), int)).mode == "majority"
    assert match(np.ones((3, 4), int)).mode == "majority"
    assert match(np.ones((4, 4), int), "majority").mode == "majority"


def test_asking_for_one_to_one_with_other_numbers_is_labelled_rectangular():
    more = match(np.array([[9, 0], [0, 9], [0, 5]]), "hungarian")
    assert more.mode == "hungarian-rectangular"
    assert more.class_of.tolist() == [0, 1, -1]
    fewer = match(np.array([[9, 0, 0], [0, 0, 9]]), "hungarian")
    assert fewer.mode == "hungarian-rectangular"
    assert fewer.class_of.tolist() == [0, 2]


def test_majority_gives_several_rows_one_class_and_an_empty_row_class_zero():
    table = np.array([[90, 5, 0], [0, 30, 1], [2, 40, 0], [0, 0, 0], [0, 1, 20]])
    assert majority(table).tolist() == [0, 1, 1, 0, 2]


@settings(deadline=None)
@given(tables(), st.randoms(use_true_random=False), st.sampled_from(["auto", "hungarian", "majority"]))
def test_permuting_cluster_ids_changes_no_digit_of_any_score(table, random, mode):
    order = list(range(1, len(table)))
    random.shuffle(order)
    permuted = table[[0, *order]]
    classes = [f"class {k}" for k in range(table.shape[1])]
    before, after = (score(t, match(t, mode), classes) for t in (table, permuted))
    assert after.miou == before.miou
    assert after.pixel_accuracy == before.pixel_accuracy
    assert after.per_class == before.per_class


def test_where_two_assignments_are_equally_good_the_numbering_does_not_choose():
    table = np.array([[7, 0, 0], [0, 2, 2], [0, 7, 7]])  # either cluster may take either class
    classes = ("background", "cat", "dog")
    before, after = (score(t, match(t), classes) for t in (table, table[[0, 2, 1]]))
    assert before.per_class == after.per_class
    assert before.per_class["cat"] != before.per_class["dog"]


def test_an_unknown_mode_is_refused_with_the_valid_ones():
    with pytest.raises(SettingsError, match=r"'best': choose one of auto, hungarian, counts, majority"):
        match(np.ones((2, 2), int), "best")
