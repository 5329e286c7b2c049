"""What the filter may rank proposals by, beside the paper's distance: each is larger where a proposal fits worse.

Only values within one cluster are ever compared, so none is scaled between clusters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from comus_core.clustering.graph import Graph
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray


def uncertainties(embedding: FloatArray, cluster: IntArray, graph: Graph) -> dict[str, FloatArray]:
    """Every alternative of `config.FilterBy` but `distance`, by name: (n,) float32 each, NaN for the unassigned.

    Args:
        embedding: (n, k), in which the clusters were formed.
        cluster: (n,) from 0 to K - 1, none empty; -1 unassigned, which agrees with no neighbour.
        graph: the neighbour graph of the n proposals.

    Raises:
        SettingsError: lengths that differ.
    """
    sizes = (len(embedding), len(cluster), graph.affinity.shape[0])
    require(
        len(set(sizes)) == 1,
        f"uncertainty: {sizes[0]} rows, {sizes[1]} clusters, a graph of {sizes[2]} points: give one of each a proposal",
    )
    cluster = np.asarray(cluster)
    assigned = cluster >= 0
    apart = np.full(len(cluster), np.nan)
    apart[assigned] = 1 - silhouette(np.asarray(embedding)[assigned], cluster[assigned])
    found = {
        "silhouette": apart,
        "density": neighbour_distance(embedding, graph),
        "agreement": 1 - agreement(cluster, graph),
    }
    return {name: np.where(assigned, values, np.nan).astype(np.float32) for name, values in found.items()}


def silhouette(embedding: FloatArray, cluster: IntArray) -> FloatArray:
    """(n,) silhouette from -1 to 1 with squared Euclidean distances (Rousseeuw 1987).

    The mean squared distance to a cluster is that to its mean plus the cluster's own mean squared spread, so the exact
    silhouette takes n K distances and not n^2. 0 in a cluster of one, and where there is but one cluster.
    """
    rows, cluster = np.asarray(embedding, np.float64), np.asarray(cluster)
    sizes = np.bincount(cluster)
    if len(sizes) < 2:
        return np.zeros(len(rows))
    rows = rows - rows.mean(axis=0)  # small numbers: less is lost in the differences of squares
    means = np.stack([np.bincount(cluster, column, len(sizes)) for column in rows.T], axis=1) / sizes[:, None]
    spread = np.bincount(cluster, np.square(rows - means[cluster]).sum(axis=1)) / sizes
    lengths = np.square(rows).sum(axis=1)[:, None] + np.square(means).sum(axis=1)
    square = np.maximum(lengths - 2 * rows @ means.T, 0) + spread
    place = np.arange(len(rows))
    others = np.maximum(sizes[cluster] - 1, 1)
    own = square[place, cluster] * sizes[cluster] / others
    square[place, cluster] = np.inf
    nearest = square.min(axis=1)
    widest = np.maximum(own, nearest)
    value: FloatArray = np.where(sizes[cluster] > 1, (nearest - own) / np.where(widest > 0, widest, 1), 0.0)
    return value


def neighbour_distance(embedding: FloatArray, graph: Graph) -> FloatArray:
    """(n,) mean Euclidean distance in the embedding to the neighbours in the graph, weighted by their affinity.

    The inverse of a local density; 0 where a point has no neighbour but itself.
    """
    rows, (own, other, weight) = np.asarray(embedding, np.float64), _edges(graph)
    length = np.sqrt(np.square(rows[own] - rows[other]).sum(axis=1))
    return _mean_of_each(length, own, weight, len(rows))


def agreement(cluster: IntArray, graph: Graph) -> FloatArray:
    """(n,) share of a point's neighbours in the graph, weighted by their affinity, that are of its own cluster.

    1 where a point has no neighbour but itself.
    """
    cluster, (own, other, weight) = np.asarray(cluster), _edges(graph)
    return 1 - _mean_of_each((cluster[own] != cluster[other]).astype(float), own, weight, len(cluster))


def _edges(graph: Graph) -> tuple[IntArray, IntArray, FloatArray]:
    """Both ends and the affinity of every entry off the diagonal."""
    entries: Any = graph.affinity.tocoo()
    off = entries.row != entries.col
    return entries.row[off], entries.col[off], entries.data[off].astype(np.float64)


def _mean_of_each(values: FloatArray, own: IntArray, weight: FloatArray, n: int) -> FloatArray:
    total = np.bincount(own, weight, n)
    mean: FloatArray = np.bincount(own, weight * values, n) / np.where(total > 0, total, 1)
    return mean
