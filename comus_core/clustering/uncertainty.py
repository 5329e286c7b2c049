"""Alternatives to the paper's distance for ranking proposals: larger values mean a worse fit.

Only values within one cluster are compared, so they are not scaled between clusters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from comus_core.clustering.graph import Graph
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray


def uncertainties(embedding: FloatArray, cluster: IntArray, graph: Graph) -> dict[str, FloatArray]:
    """The values of `config.FilterBy` except `distance`, by name: (n,) float32 each, NaN if unassigned.

    `embedding` is (n, k), in which the clusters were formed; `cluster` is (n,) from 0 to K - 1, none empty, -1
    unassigned, which agrees with no neighbour.

    Raises:
        SettingsError: different lengths.
    """
    sizes = (len(embedding), len(cluster), graph.affinity.shape[0])
    require(
        len(set(sizes)) == 1,
        f"uncertainty: {sizes[0]} rows, {sizes[1]} clusters, a graph of {sizes[2]} points: sizes must be equal",
    )
    cluster = np.asarray(cluster)
    assigned = cluster >= 0
    separation = np.full(len(cluster), np.nan)
    separation[assigned] = 1 - silhouette(np.asarray(embedding)[assigned], cluster[assigned])
    values_of = {
        "silhouette": separation,
        "density": neighbour_distance(embedding, graph),
        "agreement": 1 - agreement(cluster, graph),
    }
    return {name: np.where(assigned, values, np.nan).astype(np.float32) for name, values in values_of.items()}


def silhouette(embedding: FloatArray, cluster: IntArray) -> FloatArray:
    """(n,) silhouette from -1 to 1 with squared Euclidean distances (Rousseeuw 1987).

    The mean squared distance to a cluster is that to its mean plus the cluster's own mean squared spread, so the exact
    silhouette needs n K distances instead of n^2. 0 in a cluster of one, and if there is only one cluster.
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
    n_others = np.maximum(sizes[cluster] - 1, 1)
    inside = square[place, cluster] * sizes[cluster] / n_others
    square[place, cluster] = np.inf
    nearest = square.min(axis=1)
    widest = np.maximum(inside, nearest)
    value: FloatArray = np.where(sizes[cluster] > 1, (nearest - inside) / np.where(widest > 0, widest, 1), 0.0)
    return value


def cluster_shapes(embedding: FloatArray, cluster: IntArray) -> tuple[FloatArray, FloatArray]:
    """The mean rows (K, k) of clusters from 0 to K - 1, none empty, and their mean squared distances (K,) to these."""
    rows, sizes = np.asarray(embedding, np.float64), np.bincount(cluster)
    means = np.stack([np.bincount(cluster, column, len(sizes)) for column in rows.T], axis=1) / sizes[:, None]
    spread: FloatArray = np.bincount(cluster, np.square(rows - means[cluster]).sum(axis=1)) / sizes
    return means, spread


def silhouette_beside(rows: FloatArray, cluster: IntArray, means: FloatArray, spread: FloatArray) -> FloatArray:
    """(m,) `silhouette` of rows beside the points whose `cluster_shapes` these are; `cluster` (m,) is that of each."""
    if len(means) < 2:
        return np.zeros(len(rows))
    wide, place = np.asarray(rows, np.float64), np.arange(len(rows))
    square = np.stack([np.square(wide - mean).sum(axis=1) for mean in means], axis=1) + spread
    inside = square[place, cluster]
    square[place, cluster] = np.inf
    nearest = square.min(axis=1)
    widest = np.maximum(inside, nearest)
    value: FloatArray = (nearest - inside) / np.where(widest > 0, widest, 1)
    return value


def neighbour_distance(embedding: FloatArray, graph: Graph) -> FloatArray:
    """(n,) mean Euclidean distance in the embedding to the neighbours in the graph, weighted by their affinity.

    The inverse of a local density; 0 for a point without other neighbours.
    """
    rows, (start, end, weight) = np.asarray(embedding, np.float64), _edges(graph)
    length = np.sqrt(np.square(rows[start] - rows[end]).sum(axis=1))
    return _mean_of_each(length, start, weight, len(rows))


def agreement(cluster: IntArray, graph: Graph) -> FloatArray:
    """(n,) share of a point's neighbours in the graph, weighted by affinity, that are in its cluster.

    1 for a point without other neighbours.
    """
    cluster, (start, end, weight) = np.asarray(cluster), _edges(graph)
    return 1 - _mean_of_each((cluster[start] != cluster[end]).astype(float), start, weight, len(cluster))


def _edges(graph: Graph) -> tuple[IntArray, IntArray, FloatArray]:
    """Both ends and the affinity of every entry off the diagonal."""
    entries: Any = graph.affinity.tocoo()
    off = entries.row != entries.col
    return entries.row[off], entries.col[off], entries.data[off].astype(np.float64)


def _mean_of_each(values: FloatArray, start: IntArray, weight: FloatArray, n: int) -> FloatArray:
    total = np.bincount(start, weight, n)
    mean: FloatArray = np.bincount(start, weight * values, n) / np.where(total > 0, total, 1)
    return mean
