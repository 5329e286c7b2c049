"""Counts: one row a proposal, the remainder last, joined by id and never by position."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comus_core.errors import DatasetError, SettingsError
from comus_core.evaluation.counts import Counts, count_image, schema, sum_rows
from tests.builders import contingency


def some_counts():
    """Two images: `a` with two proposals, `b` with none; three classes."""
    values = np.array([[1, 2, 3], [10, 0, 0], [100, 0, 5], [7, 7, 7]], np.int64)
    return Counts(np.array(["a", "a", "a", "b"], object), np.array(["a#0", "a#1", "", ""], object), values)


def test_ignored_pixels_are_in_no_column_and_an_absent_class_counts_nothing():
    truth = np.array([[0, 1, 255], [255, 1, 0]], np.uint8)
    mask = np.array([[False, True, True], [False, False, False]])
    assert count_image(truth, 255, [mask], 4).tolist() == [[0, 1, 0, 0], [2, 1, 0, 0]]


def test_an_image_without_proposals_is_all_remainder():
    truth = np.array([[0, 2], [2, 255]], np.uint8)
    counted = count_image(truth, 255, [], 3)
    assert counted.tolist() == [[1, 0, 2]]
    assert counted.dtype == np.int64


def test_a_proposal_on_ignored_pixels_alone_has_a_row_of_zeros():
    truth = np.full((2, 2), 255, np.uint8)
    assert count_image(truth, 255, [np.ones((2, 2), bool)], 3).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_ground_truth_of_more_than_256_classes_is_counted():
    truth = np.array([[300, 65535], [0, 300]], np.uint16)
    counted = count_image(truth, 65535, [truth == 300], 301)
    assert counted[0, 300] == 2
    assert counted[1, 0] == 1
    assert counted.sum() == 3


def test_ground_truth_without_an_ignore_value_counts_every_pixel():
    truth = np.array([[0, 1], [1, 1]], np.int32)
    assert count_image(truth, None, [], 2).tolist() == [[1, 3]]


@pytest.mark.parametrize(("value", "ignore"), [(3, 255), (255, None), (-1, 255)])
def test_a_class_that_the_data_set_does_not_have_is_refused_by_its_number(value, ignore):
    with pytest.raises(DatasetError, match=f"class {value}, but the data set has 3 classes"):
        count_image(np.array([[0, value]], np.int32), ignore, [], 3)


def test_a_mask_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(DatasetError, match=r"4x6 pixels .* 6x4"):
        count_image(np.zeros((4, 6), np.uint8), 255, [np.zeros((6, 4), bool)], 3)


def test_overlapping_proposals_are_refused_because_sums_would_count_pixels_twice():
    mask = np.eye(3, dtype=bool)
    with pytest.raises(DatasetError, match="overlap"):
        count_image(np.zeros((3, 3), np.uint8), 255, [mask, np.ones((3, 3), bool)], 3)


def test_masks_of_zeros_and_ones_count_as_booleans_do():
    truth = np.array([[0, 1], [1, 1]], np.uint8)
    mask = np.array([[0, 1], [0, 1]], np.uint8)
    assert np.array_equal(count_image(truth, 255, [mask], 2), count_image(truth, 255, [mask.astype(bool)], 2))


def test_a_table_of_counts_comes_back_from_a_parquet_file_of_several_shards(tmp_path):
    counts = some_counts()
    with pq.ParquetWriter(tmp_path / "counts.parquet", schema(3)) as writer:
        writer.write_table(counts.to_table().slice(0, 3))
        writer.write_table(counts.to_table().slice(3))
    again = Counts.from_table(pq.read_table(tmp_path / "counts.parquet"))
    assert again.image_id.tolist() == counts.image_id.tolist()
    assert again.proposal_id.tolist() == counts.proposal_id.tolist()
    assert (again.values != counts.values).nnz == 0
    assert again.values.dtype == np.int64


def test_a_slice_of_a_table_holds_its_own_rows():
    counts = Counts.from_table(pa.concat_tables([some_counts().to_table()] * 2).slice(3, 2))
    assert counts.proposal_id.tolist() == ["", "a#0"]
    assert counts.values.toarray().tolist() == [[7, 7, 7], [1, 2, 3]]


def test_no_images_make_an_empty_table():
    empty = Counts.from_table(schema(3).empty_table())
    assert empty.values.shape == (0, 3)
    assert contingency(empty, {}, 2).tolist() == [[0] * 3] * 3


def test_categories_are_joined_by_proposal_id_whatever_the_order():
    counts = some_counts()
    expected = [[107, 7, 12], [10, 0, 0], [1, 2, 3]]
    assert contingency(counts, {"a#0": 1, "a#1": 0}, 2).tolist() == expected
    assert contingency(counts, {"a#1": 0, "a#0": 1}, 2).tolist() == expected


def test_dropped_proposals_and_proposals_left_out_are_background():
    counts = some_counts()
    expected = [[117, 7, 12], [1, 2, 3]]
    assert contingency(counts, {"a#0": 0, "a#1": -1}, 1).tolist() == expected
    assert contingency(counts, {"a#0": 0}, 1).tolist() == expected
    assert contingency(counts, {}, 1)[0].tolist() == [118, 9, 15]


def test_proposals_of_images_without_ground_truth_add_nothing():
    counts = some_counts()
    with_more = contingency(counts, {"a#0": 0, "no truth#0": 0, "a#1": 1}, 2)
    assert np.array_equal(with_more, contingency(counts, {"a#0": 0, "a#1": 1}, 2))


def test_every_pixel_is_in_the_table_once():
    counts = some_counts()
    for predicted in ({}, {"a#0": 2, "a#1": 2}, {"a#0": -1, "a#1": 0}):
        assert np.array_equal(contingency(counts, predicted, 3).sum(axis=0), counts.values.sum(axis=0))


def test_what_does_not_belong_together_is_refused():
    counts = some_counts()
    with pytest.raises(SettingsError, match="predicted category 2 of 2"):
        contingency(counts, {"a#0": 2, "a#1": 0}, 2)
    with pytest.raises(SettingsError, match="predicted category -2"):
        contingency(counts, {"a#0": -2, "a#1": 0}, 2)
    with pytest.raises(SettingsError, match="none of the 2 proposals is among the 2"):
        contingency(counts, {"x#0": 0, "x#1": 0}, 2)
    twice = Counts(counts.image_id, np.array(["a#0", "a#0", "", ""], object), counts.values)
    with pytest.raises(SettingsError, match="counted twice"):
        contingency(twice, {"a#0": 0}, 2)
    with pytest.raises(SettingsError, match="3 image ids, 4 proposal ids"):
        Counts(counts.image_id[:3], counts.proposal_id, counts.values)


def test_sums_are_exact_beyond_what_a_double_holds():
    large = 2**53 + 1
    assert sum_rows(np.array([[large], [2], [large]]), np.array([1, 0, 1]), 3).tolist() == [[2], [2 * large], [0]]


def test_more_proposals_than_a_byte_counts_are_told_apart():
    truth = np.arange(300).reshape(15, 20) % 3
    masks = [np.arange(300).reshape(15, 20) == k for k in range(299)]
    counted = count_image(truth, 255, masks, 3)
    assert counted.shape == (300, 3)
    assert counted.argmax(axis=1).tolist() == [k % 3 for k in range(300)]
    assert counted.sum(axis=1).tolist() == [1] * 300
