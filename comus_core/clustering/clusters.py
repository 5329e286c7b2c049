"""The clustering stage: vectors in, clusters with their distances out (paper section 3.2; protocol 1.3, 1.4)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.graph import Graph, knn_graph, normalise
from comus_core.clustering.merging import merge_clusters
from comus_core.clustering.nearest import groups_of_equals
from comus_core.config import ClusteringSettings, require
from comus_core.types import FloatArray, IntArray, Vectors

NO_SPECTRUM = (np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Clusters:
    """n points in K clusters, the largest cluster first; none is empty, K is at most the number asked for.

    Attributes:
        cluster: (n,) int32 from 0 to K - 1.
        distance: (n,) float32, cosine distance from a point's row of `embedding` to its own row of `centres`.
        embedding: (n, k) float32 in which k-means ran: the spectral embedding, or the vectors (method `kmeans`).
        centres: (K, k) float32, of the same k-means.
        eigenvalues, residuals: (k,) float64 of the spectral embedding; empty where the vectors are the embedding.
        components: connected components of the graph, 1 in the ordinary case; 0 where there is no graph.
        graph: that was cut or along which clusters were merged; None where there is none.
    """

    cluster: IntArray
    distance: FloatArray
    embedding: FloatArray
    centres: FloatArray
    eigenvalues: FloatArray
    residuals: FloatArray
    components: int
    graph: Graph | None = None


def cluster(vectors: Vectors, settings: ClusteringSettings, clusters: int, seed: int) -> Clusters:
    """Group the vectors by spectral clustering, or by k-means on the vectors (the paper's baseline).

    Spectral: exact neighbour graph, `clusters` leading eigenvectors, k-means on the rows. Clusters are numbered by
    descending size, then by their first point, so that a label means the same in every repetition. Where there are
    no more distinct vectors than `clusters`, each is a cluster of its own, the vectors serve as the embedding as with
    `kmeans`, and fewer clusters may come back than were asked for.

    With `settings.over_clusters` above `clusters`, that many are made, in as many eigenvectors, and merged along the
    graph (`merging`). A merged cluster's centre is the mean of its rows in that larger embedding, and its distances
    are to that mean.

    Args:
        vectors: (n, d), raw; `settings.features` says how they are read.
        settings: method, features, neighbours, n_init; `settings.clusters` is what the caller resolved to `clusters`.
        clusters: K, 1 to n.
        seed: of the eigensolver's start and of k-means.

    Raises:
        SettingsError: fewer vectors than clusters, NaN or infinite vectors (naming the first row).
        ComusError: the eigenvectors do not converge.
    """
    require(clusters >= 1, f"clusters {clusters}: at least 1")
    vectors = normalise(vectors, settings.features)
    require(
        len(vectors) >= clusters,
        f"{len(vectors)} proposals cannot make {clusters} clusters: choose fewer (--clusters), or add images",
    )
    group = groups_of_equals(vectors)
    if group.max() < clusters:
        return _one_each(vectors, group)
    first = min(max(clusters, settings.over_clusters), len(vectors))
    if settings.method == "kmeans":
        made = _k_means(vectors, NO_SPECTRUM, 0, first, settings.n_init, seed)
        return made if first == clusters else _merged(made, knn_graph(vectors, settings.neighbours), clusters)
    graph = knn_graph(vectors, settings.neighbours)
    found = spectral_embedding(graph, first, seed)
    spectrum = (found.eigenvalues, found.residuals)
    made = _k_means(found.vectors, spectrum, graph.component_count, first, settings.n_init, seed)
    return replace(made, graph=graph) if first == clusters else _merged(made, graph, clusters)


def cosine_distance(rows: FloatArray, centres: FloatArray) -> FloatArray:
    """1 - cosine of each row and the centre beside it, both (n, k): (n,) float32 from 0 to 2.

    Two zero vectors are at distance 0, a zero vector and another at 1.
    """
    a, b = np.asarray(rows, np.float64), np.asarray(centres, np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, 1)
    cosine[(a == b).all(axis=1)] = 1
    distance: FloatArray = np.clip(1 - cosine, 0, 2).astype(np.float32)
    return distance


def _k_means(
    space: FloatArray, spectrum: tuple[FloatArray, FloatArray], components: int, clusters: int, n_init: int, seed: int
) -> Clusters:
    from sklearn.cluster import KMeans

    model = KMeans(clusters, init="k-means++", n_init=n_init, random_state=seed)
    with warnings.catch_warnings(), threadpool_limits(1):  # one thread: sums in one order, the same bytes anywhere
        warnings.simplefilter("ignore")  # fewer distinct rows than clusters: the empty ones are left out below
        labels = model.fit(space.astype(np.float64)).labels_
    return _canonical(labels, model.cluster_centers_.astype(np.float32), space, spectrum, components)


def _merged(made: Clusters, graph: Graph, clusters: int) -> Clusters:
    """The clusters merged along the graph, with the means of their rows as centres."""
    labels = merge_clusters(graph, made.cluster, clusters)
    sizes, rows = np.bincount(labels), made.embedding.astype(np.float64)
    sums = np.stack([np.bincount(labels, column) for column in rows.T], axis=1)
    centres = (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)
    spectrum = (made.eigenvalues, made.residuals)
    return replace(_canonical(labels, centres, made.embedding, spectrum, made.components), graph=graph)


def _one_each(vectors: Vectors, group: IntArray) -> Clusters:
    """Each distinct vector its own cluster and centre; every distance is 0."""
    first = np.unique(group, return_index=True)[1]
    return _canonical(group, vectors[first], vectors, NO_SPECTRUM, 0)


def _canonical(
    labels: IntArray, centres: FloatArray, space: FloatArray, spectrum: tuple[FloatArray, FloatArray], components: int
) -> Clusters:
    used, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    order = used[np.lexsort((first, -sizes))]
    number = np.empty(len(centres), np.int32)
    number[order] = np.arange(len(order))
    cluster_of, centres = number[labels], centres[order]
    return Clusters(cluster_of, cosine_distance(space, centres[cluster_of]), space, centres, *spectrum, components)
