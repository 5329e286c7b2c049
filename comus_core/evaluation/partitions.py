"""How far two partitions of the same pixels agree, whatever their parts are called: ARI and NMI."""

from __future__ import annotations

import numpy as np

from comus_core.types import FloatArray, IntArray


def adjusted_rand_index(table: IntArray) -> float:
    """Hubert and Arabie's index (Journal of Classification 1985): 1 for equal partitions, about 0 by chance.

    `table` is (a, b) int64: pixels in part a of the first and b of the second.
    """
    pairs, rows, columns = (_pairs(counts) for counts in (table, table.sum(axis=1), table.sum(axis=0)))
    total = _pairs(np.array([table.sum()]))
    expected, most = rows * columns / max(total, 1), (rows + columns) / 2
    return 1.0 if most == expected else float((pairs - expected) / (most - expected))


def normalised_mutual_information(table: IntArray) -> float:
    """Mutual information over the mean of both entropies, 0…1; 1 where neither tells any pixels apart.

    `table` is that of `adjusted_rand_index`.
    """
    shares = table / max(int(table.sum()), 1)
    first, second = _entropy(shares.sum(axis=1)), _entropy(shares.sum(axis=0))
    mean = (first + second) / 2
    return min(max((2 * mean - _entropy(shares.ravel())) / mean, 0.0), 1.0) if mean > 0 else 1.0


def _pairs(counts: IntArray) -> int:
    """How many pairs lie within the same part, exact: of many images it is beyond 64 bits."""
    return sum(n * (n - 1) // 2 for n in counts.ravel().tolist())


def _entropy(shares: FloatArray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
