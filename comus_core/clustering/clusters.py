"""The clustering stage: vectors in, clusters with their distances out (paper section 3.2; method 1.3, 1.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from comus_core.clustering import baselines
from comus_core.clustering.centres import cosine_distance
from comus_core.clustering.components import embedding_with_attached, small_components
from comus_core.clustering.graph import Graph, joint_graph, knn_graph, normalise
from comus_core.clustering.leiden import leiden_of, require_leiden
from comus_core.clustering.merging import merge_clusters
from comus_core.clustering.nearest import groups_of_equals
from comus_core.config import ClusteringSettings
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray, Vectors


@dataclass(frozen=True)
class Clusters:
    """n points in K clusters, by descending size; none is empty.

    Attributes:
        cluster: (n,) int32 from 0 to K - 1; -1 for HDBSCAN's noise.
        distance: (n,) float32, cosine distance from a point's row of `embedding` to its own row of `centres`; NaN where
            there is none.
        embedding: (n, k) float32 in which clusters have centres: the spectral embedding, or the vectors.
        centres: (K, k) float32: those of k-means, else the means.
        eigenvalues, residuals: (k,) float64 of the spectral embedding; empty if the embedding is the vectors.
        attached_rows: (m,) rows of the points of small components that were attached to others.
        graph: that was cut, or along which clusters were merged; None if there is none.
        precision: of the eigenvectors, `float32` or `float64`; empty if there are none.
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
class _Space:
    """Rows to be clustered, and their origin."""

    rows: FloatArray
    eigenvalues: FloatArray = field(default_factory=lambda: np.zeros(0))
    residuals: FloatArray = field(default_factory=lambda: np.zeros(0))
    attached_rows: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    graph: Graph | None = None
    precision: str = ""


def cluster(
    vectors: Vectors,
    settings: ClusteringSettings,
    clusters: int,
    seed: int,
    *,
    beside: Vectors | None = None,
    components: int | None = None,
) -> Clusters:
    """Group the vectors by spectral clustering, or by one of the baselines.

    `spectral`: neighbour graph, `clusters` leading eigenvectors, k-means (or cluster_qr) on the rows; components much
    smaller than a cluster are attached to others (see `comus_core.clustering.components`), and identical vectors share
    the mean of their rows. `kmeans` (the paper's baseline) and `minibatch-kmeans` work on the vectors. `leiden` cuts
    the same graph into about as many communities; `hdbscan` chooses the number itself and leaves noise unassigned.

    Clusters are numbered by descending size, then by their first point, so that a label means the same in every
    repetition. Identical vectors are in one cluster. If there are no more distinct vectors than `clusters`, each is its
    own cluster, the vectors are the embedding as with `kmeans`, and there may be fewer clusters than requested.

    With `settings.over_clusters` above `clusters`, that many are computed, in as many eigenvectors, and merged along
    the graph (`merging`). A merged cluster's centre is the mean of its rows in that larger embedding, and its distances
    are to that mean. `hdbscan` does not merge; which components are attached depends on `clusters`.

    Args:
        vectors: (n, d), raw; normalised according to `settings.features`.
        settings: method and its options; `settings.clusters` is ignored in favour of `clusters`.
        clusters: K, 1 to n.
        seed: of the eigensolver's start, of k-means and of Leiden.
        beside: (n, e), raw vectors of a second view of the same points, whose neighbour graph is added to that of the
            vectors; for `spectral` only. Identical points and nearest neighbours of small components depend on
            `vectors` alone. Not in the paper.
        components: eigenvectors of the spectral embedding, for `spectral` without `over_clusters`; None: as many as
            clusters (the paper's Table 10 varies them).

    Raises:
        SettingsError: fewer vectors than clusters, a different number of vectors in `beside` or a method other than
            `spectral` with it, NaN or infinite vectors, a method or search that is not installed.
        ComusError: the eigenvectors do not converge, or HDBSCAN finds only noise.
    """
    require(clusters >= 1, f"clusters {clusters}: must be at least 1")
    if settings.method == "leiden":
        require_leiden()
    vectors = normalise(vectors, settings.features)
    if beside is not None:
        spectral = settings.method == "spectral"
        require(spectral, f"clustering method {settings.method} does not support two views: choose spectral")
        require(
            len(beside) == len(vectors),
            f"{len(vectors)} vectors, but {len(beside)} in the second view",
        )
        beside = normalise(beside, settings.features)
    require(
        len(vectors) >= clusters,
        f"{len(vectors)} proposals are too few for {clusters} clusters: choose fewer (--clusters), or add images",
    )
    group = groups_of_equals(vectors)
    if group.max() < clusters:
        return _singletons(vectors, group)
    first = min(max(clusters, settings.over_clusters), int(group.max()) + 1)
    parts = _first_clusters(vectors, group, settings, clusters, first, seed, beside, components)
    if first == clusters or settings.method == "hdbscan":
        return parts
    graph = parts.graph or knn_graph(vectors, settings.neighbours, settings.graph, seed)
    space = _Space(parts.embedding, parts.eigenvalues, parts.residuals, parts.attached_rows, graph, parts.precision)
    return _with_means(space, group, merge_clusters(graph, parts.cluster, clusters))


def _first_clusters(
    vectors: Vectors,
    group: IntArray,
    settings: ClusteringSettings,
    clusters: int,
    first: int,
    seed: int,
    beside: Vectors | None,
    components: int | None,
) -> Clusters:
    """`first` clusters, to be merged to `clusters`."""
    if settings.method == "spectral":
        graph = knn_graph(vectors, settings.neighbours, settings.graph, seed)
        if beside is not None:
            graph = joint_graph(graph, knn_graph(beside, settings.neighbours, settings.graph, seed))
        return _spectral(vectors, graph, group, settings, clusters, first, seed, components)
    if settings.method == "kmeans":
        return _k_means(_Space(vectors), group, first, settings.n_init, seed)
    space = _Space(vectors)
    if settings.method == "minibatch-kmeans":
        labels = baselines.minibatch_k_means(vectors, first, settings.n_init, seed)
    elif settings.method == "hdbscan":
        labels = baselines.hdbscan(vectors, settings.neighbours)
    else:
        graph = knn_graph(vectors, settings.neighbours, settings.graph, seed)
        labels = leiden_of(graph, first, seed)
        space = _Space(vectors, graph=graph)
    return _with_means(space, group, labels)


def _spectral(
    vectors: Vectors,
    graph: Graph,
    group: IntArray,
    settings: ClusteringSettings,
    clusters: int,
    first: int,
    seed: int,
    components: int | None,
) -> Clusters:
    small = small_components(graph, clusters, first) & (settings.small_components == "attach")
    wanted = components or first
    embedding = embedding_with_attached(vectors, graph, small, wanted, settings.neighbours, seed)
    rows = _mean_of_equals(embedding.vectors, group)
    space = _Space(rows, embedding.eigenvalues, embedding.residuals, np.flatnonzero(small), graph, embedding.precision)
    if settings.assignment == "cluster_qr":
        return _with_means(space, group, cluster_qr(rows))
    return _k_means(space, group, first, settings.n_init, seed)


def cluster_qr(rows: FloatArray) -> IntArray:
    """(n,) labels from 0 to k - 1 of (n, k) rows of eigenvectors: pivoted QR, no start and no seed.

    k rows that are as orthogonal as can be are found by pivoting; the rotation that brings them nearest to the axes
    makes each row's largest entry its cluster (Damle, Minden and Ying 2019).
    """
    wide = rows.astype(np.float64)
    pivots = linalg.qr(wide.T, mode="r", pivoting=True)[1][: rows.shape[1]]
    left, _, right = linalg.svd(wide[pivots].T)
    labels: IntArray = np.abs(wide @ (left @ right)).argmax(axis=1)
    return labels


def _mean_of_equals(rows: FloatArray, group: IntArray) -> FloatArray:
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


def _k_means(space: _Space, group: IntArray, clusters: int, n_init: int, seed: int) -> Clusters:
    from comus_core.clustering.k_means import k_means  # loads numba

    labels, centres, _ = k_means(space.rows, clusters, n_init, seed)
    return _canonical(_share_labels(labels, group), centres.astype(np.float32), space)


def _with_means(space: _Space, group: IntArray, labels: IntArray) -> Clusters:
    """The mean row of each label is its centre."""
    labels = np.unique(_share_labels(labels, group), return_inverse=True)[1] - int(labels.min() < 0)
    assigned = labels >= 0
    sums = np.zeros((labels.max() + 1, space.rows.shape[1]))
    np.add.at(sums, labels[assigned], space.rows[assigned].astype(np.float64))
    centres = sums / np.bincount(labels[assigned])[:, None]
    return _canonical(labels, centres.astype(np.float32), space)


def _share_labels(labels: IntArray, group: IntArray) -> IntArray:
    """Identical vectors take the label of the first of them."""
    shared: IntArray = labels[np.unique(group, return_index=True)[1]][group]
    return shared


def _singletons(vectors: Vectors, group: IntArray) -> Clusters:
    """Each distinct vector its own cluster and centre; every distance is 0."""
    first = np.unique(group, return_index=True)[1]
    return _canonical(group, vectors[first], _Space(vectors))


def _canonical(labels: IntArray, centres: FloatArray, space: _Space) -> Clusters:
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
