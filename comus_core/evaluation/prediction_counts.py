"""Predicted masks against ground truth, counted: one pass over the pixels of each image, images side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from comus_core.errors import DatasetError
from comus_core.evaluation.counts import unknown_class
from comus_core.types import ImageId, IndexMask, IntArray

MaskPair = tuple[IndexMask, IndexMask]  # predicted and true, (H, W) each


def count_prediction(
    image_id: ImageId, mask: IndexMask, truth: IndexMask, ignore: int | None, categories: int, classes: int
) -> IntArray:
    """(C + 1, classes) int64 pixels of one image; what the ground truth ignores is in none.

    Raises:
        DatasetError: mask and ground truth differ in size, or hold a category or a class that there is not.
    """
    from comus_core.evaluation.joint_counts import OutOfRange, joint_counts  # loads numba

    if mask.shape != truth.shape:
        raise DatasetError(f"image {image_id}: predicted {mask.shape} pixels but the ground truth has {truth.shape}")
    try:
        return joint_counts(mask, truth, categories + 1, classes, ignore)
    except OutOfRange as wrong:
        if wrong.side:
            raise DatasetError(f"image {image_id}: {unknown_class(wrong.value, classes, ignore)}") from None
        raise DatasetError(
            f"image {image_id}: the predicted mask holds {wrong.value}, but there are {categories} categories "
            f"(0 is background, then 1 to {categories}): give the mask of the same clusters"
        ) from None


def count_images(
    image_ids: Sequence[ImageId],
    read: Callable[[ImageId], MaskPair],
    ignore: int | None,
    categories: int,
    classes: int,
) -> Iterator[IntArray]:
    """The table of `count_prediction` for each image, in order; images are read and counted side by side.

    Each thread holds the two masks of one image, and a few tables wait for their turn: memory does not grow with the
    number of images. `read` is called from several threads.

    Raises:
        DatasetError: as `count_prediction`, of the first image with a fault.
    """
    from comus_core.machine.threads import Threads

    def counted(image_id: ImageId) -> IntArray:
        mask, truth = read(image_id)
        return count_prediction(image_id, mask, truth, ignore, categories, classes)

    with Threads() as threads:
        yield from threads.each(counted, image_ids)
