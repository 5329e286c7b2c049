"""`consensus`: what many cheap clusterings agree on, and a linear classifier that learns it for the points they do not.

The clusterings are k-means on eigenvectors of neighbour graphs that differ in the size of the neighbourhood, in the
space (the vectors, their leading principal components, these whitened; with a second view, both views' graphs added)
and in the number of clusters. Each votes for its clusters as nodes of a bipartite graph, joined to the points in them,
and the graph is cut by spectral clustering (the hybrid bipartite graph formulation of Fern and Brodley 2004, as in
U-SENC of Huang et al. 2020): n points and m clusterings make n m edges, and no pair of points is looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.graph import Graph, graph_of, joint_graph, knn_graph, normalise
from comus_core.clustering.linear_classifier import fit_classifier, joint_vectors
from comus_core.clustering.method import MethodSpec, Problem
from comus_core.clustering.space import Clusters, Space, mean_clusters, mean_of_equals
from comus_core.clustering.stability import embedding_of
from comus_core.config import ConsensusSettings
from comus_core.types import BoolMask, FloatArray, IntArray, Vectors

LEAST_NEIGHBOURS = 8  # of the smallest neighbourhood: fewer cut clusters into pieces
N_INIT = 10  # restarts of k-means on the consensus
LEAST_SPREAD = 1e-6  # of a principal component, relative to the first: others are rounding


@dataclass(frozen=True, eq=False)
class Consensus:
    """What m clusterings of n points agree on.

    Attributes:
        label: (n,) from 0 to K - 1.
        rows: (n, K) float32, of the points in the eigenvectors of the bipartite graph.
        agreement: (n,) from 0 to 1, the share of a point's companions that are in its cluster: the mean over the
            clusterings, in each over the points that it puts together with this one, itself included. 1 where all
            clusterings keep the point's cluster apart from the others.
    """

    label: IntArray
    rows: FloatArray
    agreement: FloatArray


def consensus(members: IntArray, clusters: int, seed: int, group: IntArray | None = None) -> Consensus:
    """K clusters that the clusterings agree on; how a clustering numbers its clusters does not matter.

    Args:
        members: (m, n) non-negative integers, a clustering a row; they may have different numbers of clusters.
        clusters: K, at most n.
        seed: of the eigensolver's start and of k-means.
        group: (n,) of `groups_of_equals`; points that share a number share their row. None: none do.
    """
    from comus_core.clustering.k_means import k_means  # loads numba

    columns, member_of = _membership(members)
    graph = graph_of(sparse.block_array([[None, member_of], [member_of.T, None]]), "exact")
    rows = spectral_embedding(graph, clusters, seed).vectors[: members.shape[1]]
    if group is not None:
        rows = mean_of_equals(rows, group)
    label = k_means(rows, clusters, N_INIT, seed)[0]
    n = len(label)
    ours: Any = sparse.csr_array((np.ones(n), (np.arange(n), label)), shape=(n, clusters))
    share = (member_of.T @ ours).toarray() / member_of.sum(axis=0)[:, None]
    return Consensus(label, rows, share[columns, label].mean(axis=0))


def completed(vectors: Vectors, found: Consensus, core: float) -> IntArray:
    """(n,) labels: those of points whose agreement is at least `core`, and what a classifier of these says of others.

    Each cluster's point of highest agreement counts as one of the core, so that no cluster is lost.
    """
    learned = found.agreement >= core
    learned |= _first_of_each(found)
    rest = ~learned
    if not rest.any():
        return found.label
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn: of many clusters for few points
        model = fit_classifier(vectors[learned], found.label[learned], int(found.label.max()) + 1)
    label = found.label.copy()
    label[rest] = model.probabilities(vectors[rest]).argmax(axis=1)
    return label


def cheap_clusterings(problem: Problem) -> IntArray:
    """(m, n) clusterings of a problem that differ as `ConsensusSettings` says."""
    from comus_core.clustering.k_means import k_means  # loads numba

    how, n = problem.settings.consensus, len(problem.vectors)
    counts = [min(n, max(2, round(share * problem.first))) for share in how.granularity]
    found: list[IntArray] = []
    for points, graph in _graphs(problem):
        columns = embedding_of(points, graph, problem.settings, max(counts), problem.seed).vectors
        for count in counts * how.seeds:
            start = int(np.random.default_rng((problem.seed, len(found))).integers(2**31))
            found.append(k_means(columns[:, :count], count, 1, start)[0])
    return np.stack(found)


def neighbourhoods(most: int, points: int, clusters: int, number: int) -> list[int]:
    """So many sizes of a neighbourhood from `most` down to half a mean cluster, at least 8, in even ratios."""
    least = min(most, max(LEAST_NEIGHBOURS, points // (2 * clusters)))
    sizes = np.geomspace(most, least, number).round().astype(int) if number > 1 else np.array([most])
    return sorted({min(int(size), points) for size in sizes}, reverse=True)


def reduced(vectors: Vectors, components: int, *, whiten: bool) -> Vectors:
    """(n, c) coordinates along the leading principal components, to unit length; whitened: of the same variance."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    with threadpool_limits(1):  # sums in one order: the same bytes for any number of threads
        left, spread, _ = np.linalg.svd(centred, full_matrices=False)
    count = min(components, max(1, int((spread > LEAST_SPREAD * spread[0]).sum())))
    rows = left[:, :count] * (np.sqrt(len(left)) if whiten else spread[:count])
    return normalise(rows, "l2")


def _graphs(problem: Problem) -> Iterator[tuple[Vectors, Graph]]:
    """Every graph to be cut, and the points that it joins; of two views, the graphs of both are added."""
    settings, n = problem.settings, len(problem.vectors)
    sizes = neighbourhoods(settings.neighbours, n, problem.first, settings.consensus.neighbourhoods)
    views = [_spaces(view, settings.consensus) for view in (problem.vectors, problem.beside) if view is not None]
    for spaces in zip(*views, strict=True):
        for size in sizes:
            graphs = [knn_graph(points, size, settings.graph, problem.seed, problem.blocks) for points in spaces]
            yield spaces[0], reduce(joint_graph, graphs)


def _spaces(vectors: Vectors, how: ConsensusSettings) -> list[Vectors]:
    return [
        vectors,
        *(reduced(vectors, count, whiten=False) for count in how.components),
        *(reduced(vectors, count, whiten=True) for count in how.whitened),
    ]


def _membership(members: IntArray) -> tuple[IntArray, Any]:
    """(m, n) the column of each point in each clustering, and (n, c) sparse: 1 where a point is in a cluster.

    A clustering's clusters have columns by their first points, so that renumbered ones are the same bytes.
    """
    columns, start = np.empty(members.shape, np.int64), 0
    for row, member in zip(columns, members, strict=True):
        _, first, label = np.unique(member, return_index=True, return_inverse=True)
        row[:] = start + np.argsort(np.argsort(first))[label]
        start += len(first)
    m, n = members.shape
    points = np.tile(np.arange(n), m)
    return columns, sparse.csr_array((np.ones(m * n, np.float32), (points, columns.ravel())), shape=(n, start))


def _first_of_each(found: Consensus) -> BoolMask:
    """(n,) whether a point is the one of highest agreement in its cluster, the first among equals."""
    order = np.lexsort((-found.agreement, found.label))
    starts = np.r_[True, np.diff(found.label[order]) > 0]
    best = np.zeros(len(order), np.bool_)
    best[order[starts]] = True
    return best


def find(problem: Problem) -> Clusters:
    """The consensus of the cheap clusterings, completed."""
    found = consensus(cheap_clusterings(problem), problem.first, problem.seed, problem.group)
    seen = problem.vectors if problem.beside is None else joint_vectors(problem.vectors, problem.beside)
    with threadpool_limits(1):
        label = completed(seen, found, problem.settings.consensus.core)
    return mean_clusters(Space(found.rows), problem.group, label)


SPEC = MethodSpec("consensus", "what many cheap clusterings agree on, and a classifier for the rest", find)
