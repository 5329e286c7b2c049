"""The check before a run: every image is decoded once, so that unreadable files are skipped before any long work."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from comus_core.datasets.decoding import decode
from comus_core.datasets.index_masks import indices_in
from comus_core.datasets.records import Dataset, GroundTruth, ImageFile
from comus_core.datasets.truth_report import MASK_SCHEMA
from comus_core.errors import ImageError
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
    """Decode every file; one row of `CHECK_SCHEMA` each, in order; `tick(1)` after each.

    A usable image has height, width (pixels, upright) and `pixel_hash`, which is the same for equal pixels in any file
    format; an unreadable one has only `reason`, for the user. `note` says what is unusual about a usable file.
    """
    rows = []
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for row in threads.map(_check, files):
                rows.append(row)
                tick(1)
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return pa.Table.from_pylist(rows, schema=CHECK_SCHEMA)


def check_truth(dataset: Dataset, image_ids: Iterable[ImageId]) -> pa.Table:
    """Read the masks of these usable images, so that an invalid one stops a run before its long work.

    Returns:
        Rows of `MASK_SCHEMA` in order; none without ground truth.

    Raises:
        DatasetError: see `GroundTruth.mask`; the first invalid mask in order.
    """
    truth, rows = dataset.truth, list[dict[str, Any]]()
    if truth is not None:
        with ThreadPoolExecutor(_THREADS) as threads:
            rows = list(threads.map(lambda image_id: _check_mask(dataset, truth, image_id), image_ids))
    return pa.Table.from_pylist(rows, schema=MASK_SCHEMA)


def pixel_hash(image: RgbImage) -> str:
    """SHA-256 of the shape and the (H, W, 3) bytes, as hexadecimal digits."""
    digest = hashlib.sha256(f"{image.shape[0]}x{image.shape[1]}x3:".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _check_mask(dataset: Dataset, truth: GroundTruth, image_id: ImageId) -> dict[str, Any]:
    """A row of `MASK_SCHEMA`."""
    labelled = truth.has(image_id)
    return {
        "image_id": image_id,
        "path": dataset.by_id[image_id].relative,
        "labelled": labelled,
        "unclear": truth.unclear(image_id),
        "turned": truth.turned(image_id),
        "classes": [i for i in indices_in(truth.mask(image_id)) if i != truth.ignore] if labelled else [],
    }


def _check(file: ImageFile) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(CHECK_SCHEMA.names) | {"image_id": file.image_id, "path": file.relative}
    try:
        image = decode(file.path)
    except ImageError as error:
        return row | {"reason": str(error)}
    height, width = image.pixels.shape[:2]
    values = {"height": height, "width": width, "pixel_hash": pixel_hash(image.pixels)}
    return row | values | {"note": "; ".join(image.notes) or None}
