"""Scores of round 0 by painting every image and counting its pixels one by one: no table of counts, no sums of rows."""

from collections import Counter
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np

from comus_core.datasets.dataset import open_dataset


def painted(view, decided, *, filtered):
    """(row, class) of every pixel that is scored: row 0 is background, category + 1."""
    truth, categories, core = open_dataset(view.run.config.dataset, Path()).truth, view.categories(decided), None
    core = view.kept(decided) if filtered else np.ones(len(view), bool)
    pairs = []
    for image_id, size in zip(view.image_ids, view.image_sizes, strict=True):
        if image_id in decided.layout.excluded:
            continue
        canvas = np.zeros(size, int)
        for row in view.rows_of_image.get(image_id, []):
            if core[row]:
                canvas[view.masks(decided).mask(row)] = categories.category[row] + 1
        drawn = view.drawn(decided)
        for row in drawn.rows_of_image.get(image_id, []):
            if drawn.category[row] >= 0:
                canvas[drawn.proposals.mask(row)] = drawn.category[row] + 1
        mask = truth.mask(image_id)
        some = mask != (-1 if truth.ignore is None else truth.ignore)
        pairs += zip(canvas[some].tolist(), mask[some].tolist(), strict=True)
    return Counter(pairs)


def _iou(pairs, rows, k):
    both = sum(n for (row, true), n in pairs.items() if row in rows and true == k)
    either = sum(n for (row, true), n in pairs.items() if row in rows or true == k)
    return Fraction(both, either) if either else Fraction(0)


def expected(pairs, rows, classes, mode):
    """(mIoU in percent, [IoU of each class]) under the best matching by trying them all, exact until the last step."""
    table = [[_iou(pairs, {row}, k) for k in range(classes)] for row in range(rows)]
    if mode == "auto":
        mode = "hungarian" if rows == classes else "majority"
    if mode == "majority":
        class_of = [max(range(classes), key=lambda k: (row[k], -k)) for row in table]
    else:
        worth = table if mode == "hungarian" else [[pairs[r, k] for k in range(classes)] for r in range(rows)]
        wide = max(rows, classes)  # a row beyond the classes stands for none, a class beyond the rows is found by none
        total = lambda way: sum(worth[r][k] for r, k in enumerate(way[:rows]) if k < classes)  # noqa: E731
        class_of = list(max(permutations(range(wide)), key=total)[:rows])
    ious = [_iou(pairs, {r for r in range(rows) if class_of[r] == k}, k) for k in range(classes)]
    return float(100 * sum(ious) / classes), [float(100 * iou) for iou in ious]
