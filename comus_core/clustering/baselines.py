"""What spectral clustering is compared with: mini-batch k-means, HDBSCAN and Leiden, by name."""

from __future__ import annotations

import random
from importlib.util import find_spec
from typing import Any

import numpy as np

from comus_core.clustering.graph import Graph
from comus_core.config import require
from comus_core.errors import ComusError
from comus_core.types import IntArray, Vectors

HALVINGS = 20  # of the interval in which Leiden's resolution is sought
RESOLUTIONS = (1e-3, 1e3)


def minibatch_k_means(vectors: Vectors, clusters: int, n_init: int, seed: int) -> IntArray:
    """(n,) labels of scikit-learn's `MiniBatchKMeans`."""
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):  # sums in one order: the same bytes for any number of threads
        model = MiniBatchKMeans(clusters, n_init=n_init, random_state=seed).fit(vectors)
    labels: IntArray = model.labels_
    return labels


def hdbscan(vectors: Vectors, neighbours: int) -> IntArray:
    """(n,) labels of scikit-learn's `HDBSCAN`, -1 for noise; it chooses their number itself.

    Args:
        vectors: (n, d); time and memory grow with n squared in many dimensions.
        neighbours: the fewest points of a cluster.

    Raises:
        ComusError: all points are noise.
    """
    from sklearn.cluster import HDBSCAN

    labels: IntArray = HDBSCAN(min_cluster_size=min(neighbours, len(vectors)), copy=True).fit(vectors).labels_
    if labels.max() < 0:
        raise ComusError(
            f"hdbscan: all {len(vectors)} proposals are noise at a least size of {neighbours}: "
            "choose fewer neighbours (clustering.neighbours), or another method"
        )
    return labels


def leiden(graph: Graph, clusters: int, seed: int) -> IntArray:
    """(n,) communities of the neighbour graph by Leiden's modularity (python-igraph), as near to `clusters` as it gets.

    The resolution is sought by halving its logarithm between 0.001 and 1000; a graph has at least as many communities
    as components.

    Raises:
        SettingsError: python-igraph is not installed.
    """
    require_igraph()
    import igraph  # type: ignore[import-not-found,import-untyped]

    upper = graph.affinity.tocoo()
    once = upper.row < upper.col
    network = igraph.Graph(
        n=len(graph.components), edges=np.column_stack([upper.row[once], upper.col[once]]), directed=False
    )
    igraph.set_random_number_generator(random.Random(seed))
    low, high = np.log(RESOLUTIONS)
    best: Any = None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = network.community_leiden(
            objective_function="modularity", weights=upper.data[once], resolution=float(np.exp(middle)), n_iterations=4
        ).membership
        count = max(found) + 1
        if best is None or abs(count - clusters) < abs(max(best) + 1 - clusters):
            best = found
        if count == clusters:
            break
        low, high = (middle, high) if count < clusters else (low, middle)
    return np.asarray(best, np.int64)


def require_igraph() -> None:
    """Raise `SettingsError` unless python-igraph is installed."""
    require(
        find_spec("igraph") is not None,
        "method 'leiden': python-igraph is not installed; pip install 'comus-explorer[leiden]', or choose spectral",
    )
