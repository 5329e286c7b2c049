"""Measures of the health check: brightness, sharpness, and a hash that survives scaling and recompression."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import laplace
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from comus_core.types import FloatArray, IntArray, RgbImage

LONGEST = 512  # pixels at which sharpness is measured: a larger image is scaled down, a smaller one stays
HASH_SIDE, HASH_KEPT = 32, 8  # sides of the transformed image and of the block of low frequencies
HASH_BITS = HASH_KEPT * HASH_KEPT
BRIGHT_SHARE = 99  # percentile of luminance: a night with one lamp is dark, a black cat in the snow is not


@dataclass(frozen=True)
class Measures:
    """Measures of one image.

    Attributes:
        brightness: 99th percentile of the luminance, in [0, 1].
        sharpness: variance of the Laplacian of the luminance in 0–255, at most `LONGEST` pixels wide and high.
        contrast: standard deviation of the luminance, in [0, 1]; the hash of a flat image is meaningless.
        hash: 64 bits.
    """

    brightness: float
    sharpness: float
    contrast: float
    hash: int


def measure(image: RgbImage) -> Measures:
    """Brightness, sharpness, contrast and hash of an (H, W, 3) image."""
    grey = Image.fromarray(np.ascontiguousarray(image)).convert("L")  # ITU-R 601 luma
    small = grey.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64)
    return Measures(
        brightness=float(np.percentile(pixels, BRIGHT_SHARE)) / 255,
        sharpness=float(laplace(pixels).var()),
        contrast=float(pixels.std()) / 255,
        hash=dct_hash(grey),
    )


def dct_hash(grey: Image.Image) -> int:
    """64 bits: which of the 8 × 8 lowest frequencies of the image, scaled to 32 × 32, exceed their median.

    The constant one is only the brightness of the image: it is excluded from the median, and its bit is 0.
    """
    square = np.asarray(grey.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.BOX), np.float64)
    low = dctn(square, norm="ortho")[:HASH_KEPT, :HASH_KEPT].ravel()[1:]
    bits = np.concatenate([[False], low > np.median(low)])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def near_pairs(hashes: IntArray, distance: int) -> IntArray:
    """All pairs of 64-bit hashes that differ in at most `distance` bits.

    Two hashes that differ in `distance` bits agree in at least one of `distance` + 1 parts of the bits, so only hashes
    that share a part are compared: exact, and far fewer than all pairs.

    Returns:
        (m, 2) int64 rows i < j, sorted.
    """
    hashes = np.asarray(hashes, np.uint64)
    cuts = np.linspace(0, HASH_BITS, distance + 2).astype(int)
    pairs = [np.zeros((0, 2), np.int64)]
    for start, end in pairwise(cuts):
        part = (hashes >> np.uint64(start)) & np.uint64((1 << int(end - start)) - 1)
        order = np.argsort(part, kind="stable")
        edges = np.flatnonzero(np.diff(part[order], prepend=part[order][:1] + 1 if len(part) else part))
        for rows in np.split(order, edges[1:]):
            pairs.append(_close(rows, hashes, distance))
    return np.unique(np.concatenate(pairs), axis=0)


def groups_of(pairs: IntArray, count: int) -> list[list[int]]:
    """The rows that pairs connect, directly or indirectly: rows ascending, the largest group first."""
    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    rows = np.unique(pairs)
    groups: dict[int, list[int]] = {}
    for row in rows.tolist():
        groups.setdefault(int(label[row]), []).append(row)
    return sorted(groups.values(), key=lambda group: (-len(group), group))


def _close(rows: IntArray, hashes: IntArray, distance: int, block: int = 1024) -> IntArray:
    """The pairs among some rows within `distance` bits, in blocks, so that a large group fits into memory."""
    rows, pairs = np.sort(rows), [np.zeros((0, 2), np.int64)]
    for start in range(0, len(rows), block):
        first = rows[start : start + block]
        apart: FloatArray = np.bitwise_count(hashes[first][:, None] ^ hashes[rows[start:]][None, :])
        i, j = np.nonzero(apart <= distance)
        pairs.append(np.stack([first[i], rows[start:][j]], axis=1)[j > i])
    return np.concatenate(pairs)
