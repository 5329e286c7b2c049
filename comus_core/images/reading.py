"""Decoding ahead of the reader, so that a model does not wait for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from comus_core.types import RgbImage

if TYPE_CHECKING:
    from comus_core.images.dataset import Dataset

AHEAD = 8  # decoded images in memory at once


def read_ahead(dataset: Dataset, image_ids: Sequence[str]) -> Iterator[RgbImage]:
    """Yield the (H, W, 3) images in order, decoding the next few meanwhile.

    Raises:
        ImageError: a file that could be read before no longer can.
    """
    waiting: deque[Future[RgbImage]] = deque()
    with ThreadPoolExecutor(2) as pool:
        try:
            for image_id in image_ids:
                waiting.append(pool.submit(dataset.read, image_id))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
