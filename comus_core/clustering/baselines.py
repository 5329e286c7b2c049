"""Baselines for spectral clustering: k-means, mini-batch k-means and HDBSCAN; Leiden is in `leiden`."""

from __future__ import annotations

from comus_core.clustering.method import MethodSpec, Problem
from comus_core.clustering.space import Clusters, Space, k_means_clusters, mean_clusters
from comus_core.errors import ComusError
from comus_core.types import IntArray, Vectors


def minibatch_k_means(vectors: Vectors, clusters: int, n_init: int, seed: int) -> IntArray:
    """(n,) labels of scikit-learn's `MiniBatchKMeans`."""
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):  # sums in one order: the same bytes for any number of threads
        model = MiniBatchKMeans(clusters, n_init=n_init, random_state=seed).fit(vectors)
    labels: IntArray = model.labels_
    return labels


def hdbscan(vectors: Vectors, neighbours: int) -> IntArray:
    """(n,) labels of scikit-learn's `HDBSCAN`, -1 for noise; it chooses the number of clusters.

    No cluster is smaller than `neighbours`. Of (n, d) vectors, time and memory grow with n squared in many dimensions.

    Raises:
        ComusError: all points are noise.
    """
    from sklearn.cluster import HDBSCAN

    labels: IntArray = HDBSCAN(min_cluster_size=min(neighbours, len(vectors)), copy=True).fit(vectors).labels_
    if labels.max() < 0:
        raise ComusError(
            f"hdbscan: all {len(vectors)} proposals are noise with clusters of at least {neighbours}: reduce "
            "clustering.neighbours, or choose another method"
        )
    return labels


def _k_means(problem: Problem) -> Clusters:
    space, settings = Space(problem.vectors), problem.settings
    return k_means_clusters(space, problem.group, problem.first, settings.n_init, problem.seed)


def _minibatch(problem: Problem) -> Clusters:
    labels = minibatch_k_means(problem.vectors, problem.first, problem.settings.n_init, problem.seed)
    return mean_clusters(Space(problem.vectors), problem.group, labels)


def _hdbscan(problem: Problem) -> Clusters:
    labels = problem.without_noise(hdbscan(problem.vectors, problem.settings.neighbours))
    return mean_clusters(Space(problem.vectors), problem.group, labels)


K_MEANS = MethodSpec("kmeans", "k-means on the vectors: the paper's baseline", _k_means)
MINIBATCH = MethodSpec("minibatch-kmeans", "k-means on random parts of the vectors, for very many", _minibatch)
HDBSCAN = MethodSpec(
    "hdbscan", "dense regions, whose number it finds itself", _hdbscan, takes_number=False, finds_number=True
)
