"""Two scores of the same images, row beside row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from comus_core.settings import require
from comus_core.text import counted
from comus_core.types import ImageId, IntArray


def paired_rows(first: Sequence[ImageId], second: Sequence[ImageId], truths: tuple[Any, Any]) -> IntArray:
    """The rows of the second in the order of the first, (m,) int64.

    Args:
        first: m image ids.
        second: the same, in any order.
        truths: the pixels of each image and class that either counted, (m, n) SciPy `csr_array`.

    Raises:
        SettingsError: other images, other ground truth, an image twice, no image.
    """
    row_of = {image_id: row for row, image_id in enumerate(second)}
    for ids in (first, second):
        require(len(set(ids)) == len(ids), "an image was counted twice: evaluate again")
    other = sorted(set(first) ^ set(row_of))
    require(
        not other,
        f"{counted(len(other), 'image')} in one of the two scores alone, such as {', '.join(other[:3])}: "
        "score both on the same data set",
    )
    require(bool(row_of), "no image has ground truth: there is nothing to compare")
    order = np.array([row_of[image_id] for image_id in first], np.int64)
    same = truths[0].shape[1] == truths[1].shape[1] and not (truths[0] != truths[1][order]).nnz
    require(same, "the two were counted against different ground truth: score both on the same data set")
    return order
