"""Baselines for spectral clustering: mini-batch k-means and HDBSCAN; Leiden is in `leiden`."""

from __future__ import annotations

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
