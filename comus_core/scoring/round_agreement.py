"""Two rounds without ground truth: how far their masks agree, the first in the place of the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from comus_core.errors import DatasetError
from comus_core.evaluation.image_rows import ImageRows
from comus_core.proposals.pseudo_masks import index_dtype_and_ignore, pseudo_mask
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import ImageId, IndexMask
from comus_core.workspace.decisions import Decisions

MaskOf = Callable[[ImageId], IndexMask]  # (H, W), 0 background, category + 1


def clusters_mask(view: RunView, decided: Decisions, image_id: ImageId) -> IndexMask:
    """Round 0 of an image: every proposal in its category, rejected and unassigned ones as background (p = 0)."""
    found = view.categories(decided)
    rows = np.array(view.rows_of_image.get(image_id, []), np.int64)
    height, width = view.image_sizes[view.image_row_of[image_id]]
    category, C = found.category[rows], len(found.ids)
    mask = pseudo_mask(view.proposals[rows], category, category >= 0, (int(height), int(width)), C)
    mask[mask == index_dtype_and_ignore(C)[1]] = 0
    return mask


def agreement_rows(
    image_ids: Sequence[ImageId], first: MaskOf, second: MaskOf, categories: tuple[int, int]
) -> ImageRows:
    """The pixels of each image, category of the second (in the place of what is predicted) and of the first.

    Scored like any other rows: an IoU then says how far the two agree, and the matching which category is which.

    Args:
        image_ids: m images that both have masks of.
        first: gives its masks.
        second: gives its masks.
        categories: of the first and of the second, background not counted.

    Raises:
        DatasetError: masks of one image that differ in size.
        SettingsError: no image.
    """
    require(bool(image_ids), "no image has a mask of both: there is nothing to compare")
    shape = (categories[1] + 1, categories[0] + 1)
    found = np.zeros((len(image_ids), *shape), np.int64)
    for number, image_id in enumerate(image_ids):
        one, two = first(image_id), second(image_id)
        if one.shape != two.shape:
            raise DatasetError(f"image {image_id}: masks of {one.shape} and {two.shape} pixels: run both anew")
        pairs = two.astype(np.int64).ravel() * shape[1] + one.ravel()
        found[number] = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
    return ImageRows.of_tables(image_ids, found)
