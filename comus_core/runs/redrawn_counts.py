"""Pixel counts of a run with redrawn masks: the images with one are counted again, all others stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

import numpy as np

from comus_core.datasets.records import GroundTruth
from comus_core.errors import DatasetError
from comus_core.evaluation.counts import REMAINDER, Counts, count_image
from comus_core.proposals.table import Proposals
from comus_core.types import IntArray
from comus_core.workspace.artifacts import digest
from comus_core.workspace.redrawn_counts import RedrawnCounts


def with_redrawn_counts(
    stored: Counts,
    count_rows: IntArray,
    masks: Proposals,
    drawn: Proposals,
    rows_of: Mapping[str, tuple[Sequence[int], Sequence[int]]],
    cache: RedrawnCounts,
    fingerprint: str,
    truth: Callable[[], GroundTruth | None],
) -> Counts:
    """The counts with new pixels for some images: the same rows, and after them one for each drawn object.

    Args:
        stored: counts of the detector's masks.
        count_rows: (n,) the row of each proposal in them, −1 where it was not counted.
        masks: the n proposals with their masks as they are now.
        drawn: m drawn objects; those of images that were not counted have no row.
        rows_of: image id -> rows of its proposals and of its drawn objects, of the images to count.
        cache: of earlier counts.
        fingerprint: of the stored counts, which the ground truth is part of.
        truth: opens the ground truth, called if an image is in no cache.

    Raises:
        DatasetError: it is gone or has changed.
    """
    opened: list[GroundTruth] = []

    def pixels_of(image_id: str, rows: Sequence[int], new: Sequence[int]) -> IntArray:
        runs = [*(masks.rle[row] for row in rows), *(drawn.rle[row] for row in new)]
        key = digest([fingerprint, image_id, [_text(rle) for rle in runs]])
        values = cache.read(key)
        if values is None:
            if not opened:
                opened.append(_required(truth()))
            decoded = [*(masks.mask(row) for row in rows), *(drawn.mask(row) for row in new)]
            values = count_image(opened[0].mask(image_id), opened[0].ignore, decoded, stored.n_classes)
            cache.keep(key, values)
        return values

    remainder = _remainders(stored, rows_of)
    added: list[int] = []
    changed, pixels = [], []
    for image_id, (rows, new) in rows_of.items():
        if image_id not in remainder or (count_rows[rows] < 0).any():
            continue  # the image was not counted
        first = len(stored) + len(added)
        added += new
        changed += [*count_rows[rows].tolist(), *range(first, first + len(new)), remainder[image_id]]
        pixels.append(pixels_of(image_id, rows, new))
    return _replaced(_extended(stored, drawn, added), changed, pixels) if changed else stored


def _extended(stored: Counts, drawn: Proposals, rows: Sequence[int]) -> Counts:
    """The counts with rows without pixels for some drawn objects."""
    from scipy.sparse import csr_array, vstack

    if not rows:
        return stored
    nothing = csr_array((len(rows), stored.n_classes), dtype=np.int64)
    return Counts(
        np.concatenate([stored.image_id, drawn.image_id[list(rows)]]),
        np.concatenate([stored.proposal_id, drawn.proposal_id[list(rows)]]),
        vstack([stored.values, nothing], format="csr"),
    )


def _replaced(counts: Counts, rows: Sequence[int], pixels: Sequence[IntArray]) -> Counts:
    """The counts with other pixels in some rows."""
    from scipy.sparse import coo_array

    at = np.array(rows, np.int64)
    delta = np.concatenate(pixels) - counts.pixels(at)
    row, column = np.nonzero(delta)
    values = (counts.values + coo_array((delta[row, column], (at[row], column)), shape=counts.values.shape)).tocsr()
    values.eliminate_zeros()
    return replace(counts, values=values)


def _remainders(stored: Counts, images: Container[str]) -> dict[str, int]:
    """Image id -> the row of its remainder."""
    rows = np.flatnonzero(np.asarray(stored.proposal_id) == REMAINDER)
    return {str(i): int(row) for i, row in zip(stored.image_id[rows], rows, strict=True) if i in images}


def _text(rle: bytes | str) -> str:
    return rle.decode() if isinstance(rle, bytes) else rle


def _required(truth: GroundTruth | None) -> GroundTruth:
    if truth is None:
        raise DatasetError("masks were redrawn, and the ground truth to count them against is not in this workspace")
    return truth
