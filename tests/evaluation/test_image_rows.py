"""Image by image sums against plain loops over pixels."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comus_core.evaluation.counts import Counts
from comus_core.evaluation.image_rows import (
    ImageRows,
    cell_images,
    class_pixels,
    class_sizes,
    discovered,
    size_correlation,
)

IDS = ["a", "b", "c", "d"]
CLASSES = 4
CLASS_OF = np.array([0, 2, -1, 1, 2])  # two categories of class 2, one of no class, class 3 found by none


@pytest.fixture
def masks():
    """(4, 6, 7) predicted rows 0…4 and (4, 6, 7) classes, 9 = ignored; the last image is all ignored."""
    rng = np.random.default_rng(3)
    predicted, true = rng.integers(0, 5, (4, 6, 7)), rng.integers(0, 3, (4, 6, 7))
    true[1][true[1] == 1] = 3  # class 3 is in one image only
    true[0, :2] = true[3] = 9
    return predicted, true


@pytest.fixture
def tables(masks):
    found = np.zeros((4, 5, CLASSES), np.int64)
    for image, (predicted, true) in enumerate(zip(*masks, strict=True)):
        for p, t in zip(predicted.ravel(), true.ravel(), strict=True):
            if t != 9:
                found[image, p, t] += 1
    return found


@pytest.fixture
def rows(tables):
    return ImageRows.of_tables(IDS, tables)


def pairs(masks):
    """(image, predicted class or 4 for none, true class) of each pixel that counts."""
    for image, (predicted, true) in enumerate(zip(*masks, strict=True)):
        for p, t in zip(predicted.ravel().tolist(), true.ravel().tolist(), strict=True):
            if t != 9:
                yield image, (int(CLASS_OF[p]) if CLASS_OF[p] >= 0 else CLASSES), t


def test_the_rows_add_up_to_the_table_of_all_images(rows, tables):
    assert rows.contingency.tolist() == tables.sum(axis=0).tolist()


def test_the_pixels_of_each_image_and_class_are_those_of_loops(rows, masks):
    found = class_pixels(rows, CLASS_OF)
    correct, predicted, true = (np.zeros((4, CLASSES), int) for _ in range(3))
    for image, p, t in pairs(masks):
        true[image, t] += 1
        if p < CLASSES:
            predicted[image, p] += 1
            correct[image, p] += p == t
    assert found.correct.toarray().tolist() == correct.tolist()
    assert found.predicted.toarray().tolist() == predicted.tolist()
    assert found.true.toarray().tolist() == true.tolist()


def test_the_iou_of_an_image_is_the_mean_over_the_classes_that_it_has_or_was_given(rows, masks):
    found = class_pixels(rows, CLASS_OF).ious
    sets = defaultdict(lambda: (Counter(), Counter()))
    for image, p, t in pairs(masks):
        union, both = sets[image]
        union.update({t, p} - {CLASSES})
        both.update([t] if p == t else [])
    expected = [100 * np.mean([sets[k][1][c] / sets[k][0][c] for c in sets[k][0]]) for k in range(3)]
    assert found[:3] == pytest.approx(expected, abs=1e-12) and np.isnan(found[3])


def test_the_iou_of_an_image_of_background_alone_does_not_count_absent_classes():
    alone = np.zeros((1, 4, 3), int)
    alone[0, 0, 0] = 8
    assert class_pixels(ImageRows.of_tables(["a"], alone), np.array([0, 2, 1, -1])).ious.tolist() == [100.0]


@pytest.mark.parametrize("predicted", range(CLASSES + 1))
@pytest.mark.parametrize("true", range(CLASSES))
def test_the_images_behind_a_cell_are_those_that_have_its_pixels_most_first(rows, masks, predicted, true):
    expected = Counter(image for image, p, t in pairs(masks) if (p, t) == (predicted, true))
    images, pixels = cell_images(rows, CLASS_OF, predicted, true)
    assert dict(zip(images.tolist(), pixels.tolist(), strict=True)) == dict(expected)
    assert list(zip(-pixels, images, strict=True)) == sorted(zip(-pixels, images, strict=True))


def test_the_size_of_a_class_is_its_mean_share_of_the_images_that_have_it(rows, masks):
    whole, parts = Counter(), Counter()
    for image, _, t in pairs(masks):
        whole[image] += 1
        parts[image, t] += 1
    found = class_sizes(class_pixels(rows, CLASS_OF))
    for c in range(CLASSES):
        shares = [100 * parts[k, c] / whole[k] for k in range(4) if parts[k, c]]
        assert found[c] == pytest.approx(np.mean(shares), abs=1e-12)


def test_a_class_that_no_image_has_is_of_no_size():
    rows = ImageRows.of_tables(["a"], np.array([[[3, 0], [1, 0]]]))
    assert class_sizes(class_pixels(rows, np.array([0, 1]))).tolist() == [100.0, pytest.approx(np.nan, nan_ok=True)]


@given(st.integers(0, 10**6))
def test_rows_of_proposals_are_those_of_the_counts_image_by_image(seed):
    rng = np.random.default_rng(seed)
    ids, proposals = ["c", "c", "c", "a", "a", "b"], ["c#0", "c#1", "", "a#0", "", ""]
    counts = Counts(np.array(ids, object), np.array(proposals, object), rng.integers(0, 3, (6, 3)))
    category = dict(zip(["a#0", "c#1", "elsewhere#0", "c#0"], rng.integers(-1, 2, 4).tolist(), strict=True))
    rows = ImageRows.of_counts(counts, counts.rows_of(list(category)), np.array([*category.values()]), 2)
    expected = np.zeros((3, 3, 3), int)  # image, category + 1, class
    for image, proposal, pixels in zip(ids, proposals, counts.values.toarray(), strict=True):
        expected["cab".index(image), category.get(proposal, -1) + 1] += pixels
    assert list(rows.image_ids) == ["c", "a", "b"]
    assert rows.contingency.tolist() == expected.sum(axis=0).tolist()
    assert rows.by_image.toarray().tolist() == expected.reshape(3, 9).tolist()
    assert rows.true.toarray().tolist() == expected.sum(axis=1).tolist()
    same = ImageRows.of_tables(rows.image_ids, expected)
    assert same.by_image.toarray().tolist() == rows.by_image.toarray().tolist()
    class_of = np.array([0, 2, 1])
    one, other = class_pixels(rows, class_of), class_pixels(same, class_of)
    for name in ("correct", "predicted", "true"):
        assert getattr(one, name).toarray().tolist() == getattr(other, name).toarray().tolist()


def ranks(values):
    """Average ranks by counting."""
    return np.array([sum(v < w for v in values) + (sum(v == w for v in values) + 1) / 2 for w in values])


def test_spearman_is_the_correlation_of_the_ranks_of_the_object_classes_that_there_are():
    sizes, ious = np.array([90.0, 3, 10, 10, np.nan, 1]), np.array([80.0, 20, 50, 40, 5, 20])
    found, there = size_correlation(sizes, ious), [1, 2, 3, 5]
    assert found.classes == 4
    assert found.rho == pytest.approx(np.corrcoef(ranks(sizes[there]), ranks(ious[there]))[0, 1], abs=1e-12)
    assert 0 < found.p_value < 1


@pytest.mark.parametrize("ious", [[80.0, 5.0, 6.0], [80.0, 5.0, 5.0, 5.0]])
def test_where_there_is_nothing_to_rank_there_is_no_correlation(ious):
    found = size_correlation(np.arange(len(ious)) + 1.0, np.array(ious))
    assert (found.rho, found.p_value, found.classes) == (None, None, len(ious) - 1)


def test_a_class_is_discovered_from_20_percent_on_and_the_background_is_none():
    assert discovered({"background": 90.0, "cat": 20.0, "dog": 19.99, "cow": 55.0}) == ["cat", "cow"]
