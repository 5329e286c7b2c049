"""Decoding ahead of the reader, so that a model does not wait for the disk; bounded by pixels, not by images."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from comus_core.datasets.decoding import fraction, size_hw
from comus_core.datasets.pixel_budget import BATCH_PIXELS, WAITING_PIXELS
from comus_core.types import RgbImage

if TYPE_CHECKING:
    from comus_core.datasets.dataset import Dataset

AHEAD = 8  # decoded images in memory at once at most

T = TypeVar("T")


def read_ahead(dataset: Dataset, image_ids: Sequence[str], at_least: int | None = None) -> Iterator[RgbImage]:
    """Yield the (H, W, 3) images in order, decoding the next few meanwhile.

    Those that wait have `WAITING_PIXELS` together at most, unless a single one has more.

    Args:
        dataset: whose images.
        image_ids: which.
        at_least: as in `read_rgb`.

    Raises:
        ImageError: a file that could be read before no longer can.
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
                    del future  # the reader alone holds the image
                waiting.append((pool.submit(dataset.read, image_id, at_least), pixels))
                held += pixels
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()


def pixels_of(dataset: Dataset, image_id: str, at_least: int | None = None) -> int:
    """Pixels of the image that `Dataset.read` gives, from its header.

    Raises:
        ImageError: see `size_hw`.
    """
    height, width = size_hw(dataset.file(image_id).path)
    shrink = fraction((width, height), at_least)
    return -(-height // shrink) * -(-width // shrink)


def batches(items: Sequence[T], most: int, pixels: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """The items in order, in parts of `most` at most, and of `BATCH_PIXELS` at most unless one alone has more."""
    start, held = 0, 0
    for k, item in enumerate(items):
        some = pixels(item)
        if k > start and (k - start == most or held + some > BATCH_PIXELS):
            yield items[start:k]
            start, held = k, 0
        held += some
    if start < len(items):
        yield items[start:]


def picture_batches(pictures: Iterable[RgbImage], most: int) -> Iterator[list[RgbImage]]:
    """Lists of `most` pictures or crops, of fewer where they are large: `BATCH_PIXELS` together, or a larger one."""
    batch, held = list[RgbImage](), 0
    for picture in pictures:
        pixels = picture.shape[0] * picture.shape[1]
        if batch and (len(batch) == most or held + pixels > BATCH_PIXELS):
            yield batch
            batch, held = [], 0
        batch.append(picture)
        held += pixels
        del picture
        if held >= BATCH_PIXELS:  # nothing more fits: a large one is not held while the next is made
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
