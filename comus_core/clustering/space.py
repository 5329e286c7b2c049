"""What a clustering method gives: numbered clusters with their centres, in the space in which they were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from comus_core.clustering.centres import cosine_distance
from comus_core.clustering.graph import Graph
from comus_core.types import FloatArray, IntArray, Vectors


@dataclass(frozen=True)
class Clusters:
    """n points in K clusters, by descending size; none is empty.

    Attributes:
        cluster: (n,) int32 from 0 to K - 1; -1 for what a method leaves as noise.
        distance: (n,) float32, cosine distance from a point's row of `embedding` to its own row of `centres`; NaN where
            there is none.
        embedding: (n, k) float32 in which clusters have centres: the spectral embedding, or the vectors.
        centres: (K, k) float32: those of k-means, else the means.
        eigenvalues, residuals: (k,) float64 of the spectral embedding; empty if the embedding is the vectors.
        attached_rows: (m,) rows of the points of small components that were attached to others.
        graph: that was cut, or along which clusters were merged, of the landmarks if there are any; None if there is
            none.
        precision: of the eigenvectors, `float32` or `float64`; empty if there are none.
        landmarks: (m,) rows of the points that were clustered, where the others joined them; None: all were.
        measures: of `uncertainty.uncertainties`, by name, where they were computed with the clusters.
    """

    cluster: IntArray
    distance: FloatArray
    embedding: FloatArray
    centres: FloatArray
    eigenvalues: FloatArray
    residuals: FloatArray
    attached_rows: IntArray
    graph: Graph | None = None
    precision: str = ""
    landmarks: IntArray | None = None
    measures: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def components(self) -> int:
        """Number of connected components of the graph, usually 1; 0 without a graph."""
        return self.graph.component_count if self.graph else 0

    @property
    def attached(self) -> int:
        """Number of attached points."""
        return len(self.attached_rows)

    @property
    def search(self) -> str:
        """The neighbour search of the graph (`exact`, `nndescent`, `faiss`); empty without a graph."""
        return self.graph.search if self.graph else ""


@dataclass(frozen=True)
class Space:
    """Rows to be clustered, and their origin; attributes as of `Clusters`, `rows` being its `embedding`."""

    rows: FloatArray
    eigenvalues: FloatArray = field(default_factory=lambda: np.zeros(0))
    residuals: FloatArray = field(default_factory=lambda: np.zeros(0))
    attached_rows: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    graph: Graph | None = None
    precision: str = ""


def k_means_clusters(space: Space, group: IntArray, clusters: int, n_init: int, seed: int) -> Clusters:
    """The best of `n_init` runs of k-means on the rows; the centres are its own."""
    from comus_core.clustering.k_means import k_means  # loads numba

    labels, centres, _ = k_means(space.rows, clusters, n_init, seed)
    return _canonical(_share_labels(labels, group), centres.astype(np.float32), space)


def mean_clusters(space: Space, group: IntArray, labels: IntArray) -> Clusters:
    """The mean row of each label is its centre."""
    labels = np.unique(_share_labels(labels, group), return_inverse=True)[1] - int(labels.min() < 0)
    assigned = labels >= 0
    sums = np.zeros((labels.max() + 1, space.rows.shape[1]))
    np.add.at(sums, labels[assigned], space.rows[assigned].astype(np.float64))
    centres = sums / np.bincount(labels[assigned])[:, None]
    return _canonical(labels, centres.astype(np.float32), space)


def singletons(vectors: Vectors, group: IntArray) -> Clusters:
    """Each distinct vector its own cluster and centre; every distance is 0."""
    first = np.unique(group, return_index=True)[1]
    return _canonical(group, vectors[first], Space(vectors))


def mean_of_equals(rows: FloatArray, group: IntArray) -> FloatArray:
    """Give identical points their mean row: the graph breaks ties among them, so that their rows differ."""
    sizes = np.bincount(group)
    if len(sizes) == len(rows):
        return rows
    repeated = np.flatnonzero(sizes[group] > 1)
    sums = np.zeros((len(sizes), rows.shape[1]))
    np.add.at(sums, group[repeated], rows[repeated].astype(np.float64))
    rows = rows.copy()
    rows[repeated] = (sums / sizes[:, None])[group[repeated]]
    return rows


def _share_labels(labels: IntArray, group: IntArray) -> IntArray:
    """Identical vectors take the label of the first of them."""
    shared: IntArray = labels[np.unique(group, return_index=True)[1]][group]
    return shared


def _canonical(labels: IntArray, centres: FloatArray, space: Space) -> Clusters:
    used, first, sizes = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    first = np.flatnonzero(labels >= 0)[first]
    order = used[np.lexsort((first, -sizes))]
    number = np.full(len(centres) + 1, -1, np.int32)  # the last is that of -1
    number[order] = np.arange(len(order))
    cluster_of, centres = number[labels], centres[order]
    distance = np.where(cluster_of >= 0, cosine_distance(space.rows, centres[cluster_of]), np.float32(np.nan))
    return Clusters(
        cluster_of,
        distance,
        space.rows,
        centres,
        space.eigenvalues,
        space.residuals,
        space.attached_rows,
        space.graph,
        space.precision,
    )
