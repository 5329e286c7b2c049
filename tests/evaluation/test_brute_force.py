"""Scores against an independent evaluator: plain loops over pixels, classes and permutations, no NumPy sums."""

import os
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from comus_core.clustering.filtering import filter_rank, kept
from comus_core.evaluation.counts import Counts, count_image
from comus_core.evaluation.matching import iou_matrix, match
from comus_core.evaluation.report import filter_curve, score
from tests.builders import contingency

VOID = 255


def loop_counts(truth, masks, n_classes):
    """Pixel by pixel: the first mask that holds it, else the remainder."""
    rows = [[0] * n_classes for _ in range(len(masks) + 1)]
    owners = [mask.tolist() for mask in masks]
    for y, line in enumerate(truth.tolist()):
        for x, value in enumerate(line):
            if value != VOID:
                owner = next((k for k, mask in enumerate(owners) if mask[y][x]), len(masks))
                rows[owner][value] += 1
    return rows


def loop_pairs(images, n_classes, predicted_of):
    """(predicted row, true class) of every valid pixel of all images, predictions drawn onto each image first."""
    pairs = []
    for image, (truth, masks) in images.items():
        drawn = [[0] * truth.shape[1] for _ in range(truth.shape[0])]
        for k, mask in enumerate(masks):
            for y, x in zip(*(i.tolist() for i in np.nonzero(mask)), strict=True):
                drawn[y][x] = predicted_of.get(f"{image}#{k}", -1) + 1
        pairs += [
            (p, t)
            for row, line in zip(drawn, truth.tolist(), strict=True)
            for p, t in zip(row, line, strict=True)
            if t != VOID
        ]
    return pairs


def loop_iou(pairs, predicted, true):
    both = sum(1 for p, t in pairs if p == predicted and t == true)
    either = sum(1 for p, t in pairs if p == predicted or t == true)
    return Fraction(both, either) if either else Fraction(0)


def loop_score(pairs, rows, n_classes, mode):
    """(mIoU, accuracy, per-class IoU) as exact fractions; one-to-one by trying every permutation."""
    table = [[loop_iou(pairs, r, k) for k in range(n_classes)] for r in range(rows)]
    if mode == "hungarian":
        best = max(permutations(range(n_classes)), key=lambda classes: sum(table[r][k] for r, k in enumerate(classes)))
    else:
        best = [max(range(n_classes), key=lambda k: (row[k], -k)) for row in table]
    renamed = [(best[p], t) for p, t in pairs]
    ious = [loop_iou(renamed, k, k) for k in range(n_classes)]
    return sum(ious) / n_classes, Fraction(sum(p == t for p, t in renamed), max(len(renamed), 1)), ious


def count_all(images, n_classes):
    image_ids, proposal_ids, values = [], [], []
    for image, (truth, masks) in images.items():
        values.append(count_image(truth, VOID, masks, n_classes))
        image_ids += [image] * (len(masks) + 1)
        proposal_ids += [*(f"{image}#{k}" for k in range(len(masks))), ""]
    return Counts(np.array(image_ids, object), np.array(proposal_ids, object), np.concatenate(values))


@st.composite
def small_data_sets(draw):
    """Three images of 5 x 6 with void, an absent class, and 0 to 3 disjoint proposals each; 4 classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    absent = draw(st.integers(0, 3))
    present = [k for k in range(4) if k != absent]
    images = {}
    for image in "abc":
        truth = rng.choice([*present, VOID], (5, 6)).astype(np.uint8)
        owner = rng.integers(0, 4, (5, 6))
        images[image] = truth, [owner == k for k in range(draw(st.integers(0, 3)))]
    return images


@st.composite
def predictions(draw, categories):
    """A data set and a category, -1 for background, of each of its proposals; some are left out."""
    images = draw(small_data_sets())
    ids = [f"{image}#{k}" for image, (_, masks) in images.items() for k in range(len(masks))]
    predicted = {p: draw(st.integers(-1, categories - 1)) for p in ids}
    return images, predicted


@settings(deadline=None)
@given(small_data_sets())
def test_counts_are_those_of_a_loop_over_pixels(images):
    for truth, masks in images.values():
        assert count_image(truth, VOID, masks, 4).tolist() == loop_counts(truth, masks, 4)


@settings(deadline=None, max_examples=60)
@given(predictions(3))
def test_one_to_one_scores_are_those_of_trying_every_permutation(drawn):
    images, predicted = drawn
    table = contingency(count_all(images, 4), predicted, 3)
    pairs = loop_pairs(images, 4, predicted)
    assert table.tolist() == [[sum(pair == (r, k) for pair in pairs) for k in range(4)] for r in range(4)]
    expected = [[float(loop_iou(pairs, r, k)) for k in range(4)] for r in range(4)]
    assert np.allclose(iou_matrix(table), expected, rtol=0, atol=1e-15)
    got = score(table, match(table), ["background", "p", "q", "r"])
    miou, _, _ = loop_score(pairs, 4, 4, "hungarian")
    assert got.matching == "hungarian"
    assert abs(got.miou / 100 - float(miou)) < 1e-12


@settings(deadline=None, max_examples=60)
@given(predictions(6))
def test_majority_scores_are_those_of_merging_rows_pixel_by_pixel(drawn):
    images, predicted = drawn
    table = contingency(count_all(images, 4), predicted, 6)
    got = score(table, match(table), ["background", "p", "q", "r"])
    miou, accuracy, ious = loop_score(loop_pairs(images, 4, predicted), 7, 4, "majority")
    assert got.matching == "majority"
    assert abs(got.miou / 100 - float(miou)) < 1e-12
    assert abs(got.pixel_accuracy / 100 - float(accuracy)) < 1e-12
    assert np.allclose(list(got.per_class.values()), [100 * float(iou) for iou in ious], rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(predictions(6), st.lists(st.integers(-1, 2), min_size=6, max_size=6), st.sampled_from([0, 20, 50, 100]))
def test_any_merge_and_filter_is_a_sum_of_the_counts(drawn, merged, percent):
    images, cluster_of = drawn
    ids = list(cluster_of)
    cluster = np.array(list(cluster_of.values()), dtype=np.int64)
    distance = np.random.default_rng(len(ids)).random(len(ids))
    core = kept(cluster, distance, ids, percent)
    category = np.where(cluster >= 0, np.array([*merged, -1])[cluster], -1)
    predicted = dict(zip(ids, np.where(core, category, -1).tolist(), strict=True))
    counts, pairs = count_all(images, 4), loop_pairs(images, 4, predicted)
    miou, _, _ = loop_score(pairs, 4, 4, "hungarian")
    table = contingency(counts, predicted, 3)
    assert abs(score(table, match(table), list("bpqr")).miou / 100 - float(miou)) < 1e-12
    rank = filter_rank(cluster, distance, ids)
    [point] = filter_curve(counts, ids, category, rank, 3, percents=[percent])
    assert point.percent == percent
    assert abs(point.miou / 100 - float(miou)) < 1e-12
    assert point.kept == sum(p >= 0 for p in predicted.values())


def voc(image):
    folder = Path(os.environ["COMUS_DATA"]) / "VOCdevkit" / "VOC2012" / "SegmentationClass"
    with Image.open(folder / f"{image}.png") as picture:
        return np.array(picture)


@pytest.mark.real
def test_real_photographs_are_counted_and_scored_as_by_plain_loops():
    names = (Path(os.environ["COMUS_DATA"]) / "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt").read_text().split()
    images, predicted = {}, {}
    for number, image in enumerate(names[:4]):
        truth = voc(image)
        objects = np.roll((truth > 0) & (truth != VOID), (9, -14), (0, 1))  # a mask that is a little off
        left = np.arange(truth.shape[1]) < truth.shape[1] // 2
        images[image] = truth, [objects & left, objects & ~left]
        predicted |= {f"{image}#0": number % 3, f"{image}#1": (number + 1) % 3 if number else -1}
    counts = count_all(images, 21)
    loops = [row for truth, masks in images.values() for row in loop_counts(truth, masks, 21)]
    assert counts.values.toarray().tolist() == loops
    table, pairs = contingency(counts, predicted, 3), loop_pairs(images, 21, predicted)
    assert table.sum() == len(pairs)
    got = score(table, match(table), [str(k) for k in range(21)])
    tally = {}
    for pair in pairs:
        tally[pair] = tally.get(pair, 0) + 1
    miou, accuracy, ious = tally_score(tally, 4, 21)
    assert abs(got.miou / 100 - float(miou)) < 1e-12
    assert abs(got.pixel_accuracy / 100 - float(accuracy)) < 1e-12
    assert np.allclose(np.array(list(got.per_class.values())) / 100, [float(i) for i in ious], rtol=0, atol=1e-12)
    assert got.matching == "majority"


def tally_iou(tally, predicted, true):
    both = sum(n for (p, t), n in tally.items() if p == predicted and t == true)
    either = sum(n for (p, t), n in tally.items() if p == predicted or t == true)
    return Fraction(both, either) if either else Fraction(0)


def tally_score(tally, rows, n_classes):
    """As `loop_score` by majority, over a tally of the pairs: a photograph has too many pixels for n squared passes."""
    best = [max(range(n_classes), key=lambda k: (tally_iou(tally, r, k), -k)) for r in range(rows)]
    renamed = {}
    for (p, t), n in tally.items():
        renamed[best[p], t] = renamed.get((best[p], t), 0) + n
    ious = [tally_iou(renamed, k, k) for k in range(n_classes)]
    return sum(ious) / n_classes, Fraction(sum(n for (p, t), n in renamed.items() if p == t), sum(tally.values())), ious
