"""Two scores of the same images, row beside row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comus_core.settings import require
from comus_core.text import counted
from comus_core.types import ImageId, IntArray


def paired_rows(first: Sequence[ImageId], second: Sequence[ImageId]) -> IntArray:
    """The rows of `second` in the order of `first`, (m,) int64.

    Raises:
        SettingsError: other images, an image twice, no image.
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
    return np.array([row_of[image_id] for image_id in first], np.int64)


def require_same_truth(same: bool) -> None:
    """Raise `SettingsError` unless both were counted against the same ground truth."""
    require(same, "the two were counted against different ground truth: score both on the same data set")
