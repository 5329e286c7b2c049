"""More clusters than wanted, merged along the graph: fragments of one category rejoin, a small one is not drowned."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from comus_core.clustering.graph import Graph
from comus_core.config import require
from comus_core.types import IntArray


def merge_clusters(graph: Graph, cluster: IntArray, clusters: int) -> IntArray:
    """Merge, one pair after another, the two clusters with the highest average normalised affinity.

    The average over all pairs of points of two clusters of S = D^-1/2 A D^-1/2: average linkage on the graph. Equal
    averages go to the pair of lowest numbers. Clusters that share no edge have affinity 0 and merge last.

    Args:
        graph: n points.
        cluster: (n,) integers from 0 to K - 1.
        clusters: how many are to be left, at least 1; K or more merges nothing.

    Returns:
        (n,) for each point the lowest number among the clusters that were merged into its own.

    Raises:
        SettingsError: `clusters` below 1, lengths that differ.
    """
    require(clusters >= 1, f"merging to {clusters} clusters: at least 1")
    require(
        graph.affinity.shape[0] == len(cluster),
        f"a graph of {graph.affinity.shape[0]} points but {len(cluster)} clusters: give one a point",
    )
    cluster = np.asarray(cluster)
    sizes = np.bincount(cluster).astype(np.float64)
    sums = _sums_between(graph, cluster, len(sizes))
    into = np.arange(len(sizes))
    alive = sizes > 0
    for _ in range(int(alive.sum()) - clusters):
        average = sums / np.outer(np.maximum(sizes, 1), np.maximum(sizes, 1))
        average[~(alive[:, None] & alive) | np.tri(len(sizes), dtype=bool)] = -1
        a, b = np.unravel_index(int(average.argmax()), average.shape)  # a < b
        sums[a] += sums[b]
        sums[:, a] += sums[:, b]
        sizes[a] += sizes[b]
        alive[b] = False
        into[into == b] = a
    return into[cluster]


def _sums_between(graph: Graph, cluster: IntArray, count: int) -> np.ndarray:  # type: ignore[type-arg]
    """(K, K) sums of the normalised affinity between the points of two clusters."""
    affinity = sparse.csr_array(graph.affinity, dtype=np.float64)
    root = np.sqrt(affinity.sum(axis=1))
    n = len(cluster)
    member = sparse.csr_array((1 / root, (np.arange(n), cluster)), shape=(n, count))
    sums: np.ndarray = (member.T @ affinity @ member).toarray()  # type: ignore[type-arg]
    return sums
