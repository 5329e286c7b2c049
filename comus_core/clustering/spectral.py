"""`spectral`: k-means on the leading eigenvectors of the neighbour graph (paper section 3.2; method 1.3)."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from comus_core.clustering.components import embedding_with_attached, small_components
from comus_core.clustering.method import MethodSpec, Problem
from comus_core.clustering.space import Clusters, Space, k_means_clusters, mean_clusters, mean_of_equals
from comus_core.types import FloatArray, IntArray


def find(problem: Problem) -> Clusters:
    """The clusters in as many eigenvectors as there are to be clusters, if no other number is given."""
    settings, graph, count = problem.settings, problem.graph(), problem.first
    small = small_components(graph, problem.clusters, count) & (settings.small_components == "attach")
    dimensions = problem.components or count
    embedding = embedding_with_attached(problem.vectors, graph, small, dimensions, settings.neighbours, problem.seed)
    rows = mean_of_equals(embedding.vectors, problem.group)
    space = Space(rows, embedding.eigenvalues, embedding.residuals, np.flatnonzero(small), graph, embedding.precision)
    if settings.assignment == "cluster_qr":
        return mean_clusters(space, problem.group, cluster_qr(rows))
    return k_means_clusters(space, problem.group, count, settings.n_init, problem.seed)


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


SPEC = MethodSpec("spectral", "k-means on the leading eigenvectors of the neighbour graph", find)
