"""The health check: every image decoded once, so that broken files are set aside before any long work."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from comus_core.errors import ImageError
from comus_core.images.decoding import decode
from comus_core.images.records import Dataset, ImageFile
from comus_core.types import ImageId, RgbImage

CHECK_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("path", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("pixel_hash", pa.string()),
        ("reason", pa.string()),
        ("note", pa.string()),
    ]
)
_THREADS = min(4, os.cpu_count() or 1)  # decoding frees the GIL; `pixel_budget` bounds what they hold together


def check_images(files: Sequence[ImageFile], tick: Callable[[int], None] = lambda _: None) -> pa.Table:
    """Decode every file; one row of `CHECK_SCHEMA` each, in the order given; `tick(1)` after each.

    A usable image has height, width (pixels, upright) and `pixel_hash`, the same for equal pixels in whatever file;
    a broken one has only `reason`, the sentence to show. `note` says what is unusual about how a usable one was read.
    """
    rows = []
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for row in threads.map(_check, files):
                rows.append(row)
                tick(1)
        except BaseException:
            threads.shutdown(cancel_futures=True)  # cancelled: do not look at the rest first
            raise
    return pa.Table.from_pylist(rows, schema=CHECK_SCHEMA)


def check_truth(dataset: Dataset, image_ids: Iterable[ImageId]) -> None:
    """Read the mask of each of these images that has one, so that a bad mask stops a run before its long work.

    Raises:
        DatasetError: see `GroundTruth.mask`; the first bad one in the order given.
    """
    truth = dataset.truth
    if truth is None:
        return
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(lambda image_id: truth.mask(image_id).shape, filter(truth.has, image_ids)):
            pass


def pixel_hash(image: RgbImage) -> str:
    """Sha256 over the shape and the (H, W, 3) bytes, as hexadecimal digits."""
    digest = hashlib.sha256(f"{image.shape[0]}x{image.shape[1]}x3:".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _check(file: ImageFile) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(CHECK_SCHEMA.names) | {"image_id": file.image_id, "path": file.relative}
    try:
        image = decode(file.path)
    except ImageError as error:
        return row | {"reason": str(error)}
    height, width = image.pixels.shape[:2]
    seen = {"height": height, "width": width, "pixel_hash": pixel_hash(image.pixels)}
    return row | seen | {"note": "; ".join(image.notes) or None}
