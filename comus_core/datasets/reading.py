"""Decode images ahead of their use, so that a model does not wait for the disk; limited by pixels, not by images."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from comus_core.datasets.decoding import fraction, size_hw
from comus_core.datasets.pixel_budget import BATCH_PIXELS, WAITING_PIXELS
from comus_core.types import RgbImage

if TYPE_CHECKING:
    from comus_core.datasets.records import Dataset

AHEAD = 8  # decoded images in memory at once at most

T = TypeVar("T")


def read_ahead(dataset: Dataset, image_ids: Sequence[str], at_least: int | None = None) -> Iterator[RgbImage]:
    """Yield the (H, W, 3) images in order while decoding the next ones.

    The queue holds at most `WAITING_PIXELS`, unless a single image has more. `at_least` is that of `read_rgb`.

    Raises:
        ImageError: a file can no longer be read.
    """
    waiting: deque[tuple[Future[RgbImage], int]] = deque()
    held = 0
    with ThreadPoolExecutor(2) as pool:
        try:
            for image_id in image_ids:
                pixels = pixels_of(dataset, image_id, at_least)
                while waiting and (len(waiting) >= AHEAD or held + pixels > WAITING_PIXELS):
                    future, freed = waiting.popleft()
                    held -= freed
                    yield future.result()
                    del future  # so that only the caller holds the image
                waiting.append((pool.submit(dataset.read, image_id, at_least), pixels))
                held += pixels
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()


def pixels_of(dataset: Dataset, image_id: str, at_least: int | None = None) -> int:
    """Pixels of the image that `Dataset.read` returns, from its header.

    Raises:
        ImageError: see `size_hw`.
    """
    height, width = size_hw(dataset.file(image_id).path)
    shrink = fraction((width, height), at_least)
    return -(-height // shrink) * -(-width // shrink)


def batches(rows: Sequence[T], size: int, pixels: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """The rows in order, in batches of at most `size` rows and `BATCH_PIXELS`, unless a single one has more."""
    start, held = 0, 0
    for k, row in enumerate(rows):
        row_pixels = pixels(row)
        if k > start and (k - start == size or held + row_pixels > BATCH_PIXELS):
            yield rows[start:k]
            start, held = k, 0
        held += row_pixels
    if start < len(rows):
        yield rows[start:]


def image_batches(images: Iterable[RgbImage], size: int) -> Iterator[list[RgbImage]]:
    """Lists of at most `size` images or crops and `BATCH_PIXELS`, unless a single one has more."""
    batch, held = list[RgbImage](), 0
    for image in images:
        pixels = image.shape[0] * image.shape[1]
        if batch and (len(batch) == size or held + pixels > BATCH_PIXELS):
            yield batch
            batch, held = [], 0
        batch.append(image)
        held += pixels
        del image
        if held >= BATCH_PIXELS:  # full: do not hold a large image while the next is decoded
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
