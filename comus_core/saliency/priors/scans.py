"""Scans over the pixels of an image that each depend on the pixel before: compiled when they are first used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from comus_core.saliency.priors.compiled import compiled

Plane = NDArray[np.float32]


def barrier_distance(plane: Plane, passes: int) -> Plane:
    """The least difference of the highest and the lowest value on a path from each pixel to the border of the image.

    Approximately: paths are found in `passes` scans, forth and back in turn, over four neighbours (FastMBD, Zhang et
    al. 2015, algorithm 1). Each value is that of a real path, so never too low. `plane` is (h, w).

    Returns:
        (h, w) float32, zero on the border.
    """
    return np.asarray(_barrier(np.ascontiguousarray(plane, np.float32), passes))


def reconstruct(marker: Plane, limit: Plane) -> Plane:
    """Morphological reconstruction by dilation: `marker` grown over eight neighbours, never above `limit`.

    Both are (h, w), `marker` nowhere above `limit`. Scans forth and back until nothing changes (Vincent 1993).
    """
    grown = np.array(marker, np.float32)
    _grow(grown, np.ascontiguousarray(limit, np.float32))
    return grown


def _barrier_scans(plane: Any, passes: int) -> Any:
    height, width = plane.shape
    high, low = plane.copy(), plane.copy()  # on the best path so far
    distance = np.full((height, width), np.inf, np.float32)
    distance[0], distance[-1], distance[:, 0], distance[:, -1] = 0, 0, 0, 0
    for number in range(passes):
        step = 1 if number % 2 == 0 else -1
        for i in range(1, height - 1):
            y = i if step == 1 else height - 1 - i
            for j in range(1, width - 1):
                x = j if step == 1 else width - 1 - j
                value = plane[y, x]
                for side in range(2):
                    py, px = (y - step, x) if side == 0 else (y, x - step)
                    if distance[py, px] == np.inf:
                        continue
                    top, bottom = max(high[py, px], value), min(low[py, px], value)
                    if top - bottom < distance[y, x]:
                        distance[y, x], high[y, x], low[y, x] = top - bottom, top, bottom
    return distance


def _grow_scans(grown: Any, limit: Any) -> None:
    height, width = grown.shape
    changed, step = True, 1
    while changed:
        changed = False
        for _ in range(2):
            for i in range(height):
                y = i if step == 1 else height - 1 - i
                for j in range(width):
                    x = j if step == 1 else width - 1 - j
                    best = grown[y, x]
                    for px in range(max(x - 1, 0), min(x + 2, width)):
                        if 0 <= y - step < height and grown[y - step, px] > best:
                            best = grown[y - step, px]
                    if 0 <= x - step < width and grown[y, x - step] > best:
                        best = grown[y, x - step]
                    best = min(best, limit[y, x])
                    if best > grown[y, x]:
                        grown[y, x] = best
                        changed = True
            step = -step


_barrier, _grow = compiled(_barrier_scans), compiled(_grow_scans)
