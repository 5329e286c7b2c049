"""The neighbour graph that the spectral embedding cuts (paper section 3.2; method 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from comus_core.clustering.blocks import HERE, Blocks
from comus_core.clustering.search import choose_search, neighbours_among
from comus_core.config import GraphSearch, Normalisation
from comus_core.settings import check_choice, require
from comus_core.types import IntArray, Vectors

ROWS_AT_ONCE = 50_000  # of vectors held in float64


@dataclass(frozen=True)
class Graph:
    """The neighbour graph of n points.

    Attributes:
        affinity: (n, n) symmetric CSR, float32: 1 if both points are neighbours of each other or the same, 0.5
            if only one is; the sum over two views in a `joint_graph`.
        components: (n,) int32, the connected component of each point, numbered by first point.
        search: the neighbour search: `exact`, `nndescent` or `faiss`.
    """

    affinity: Any
    components: IntArray
    search: GraphSearch = "exact"

    @property
    def component_count(self) -> int:
        """Number of connected components, usually 1."""
        return int(self.components.max()) + 1


def normalise(vectors: Vectors, how: Normalisation, first: int = 0) -> Vectors:
    """The vectors for graph, k-means, assignment and projection.

    Args:
        vectors: (n, d), from the encoder.
        how: `raw` (the paper) or `l2`: each divided by its Euclidean length; a zero vector stays zero.
        first: the number of the first of them, for errors, where they are some of more.

    Returns:
        (n, d) float32.

    Raises:
        SettingsError: not an (n, d) array of numbers, an unknown `how`, or NaN or infinite values.
    """
    check_choice("features", how, Normalisation)
    vectors = np.ascontiguousarray(vectors, np.float32)
    require(vectors.ndim == 2 and vectors.shape[1] > 0, f"vectors of shape {vectors.shape}: must be (n, d) with d > 0")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    require(
        not len(bad),
        f"vectors: {len(bad)} of {len(vectors)} rows have NaN or infinite values, first row "
        f"{first + bad[0] if len(bad) else ''}: compute these features again or remove them",
    )
    if how == "raw":
        return vectors
    unit = np.empty_like(vectors)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        wide = vectors[start : start + ROWS_AT_ONCE].astype(np.float64)
        length = np.sqrt(np.einsum("ij,ij->i", wide, wide))
        unit[start : start + ROWS_AT_ONCE] = wide / np.where(length > 0, length, 1)[:, None]
    return unit


def knn_graph(
    vectors: Vectors, neighbours: int = 30, search: GraphSearch = "auto", seed: int = 0, blocks: Blocks = HERE
) -> Graph:
    """The k-nearest-neighbour graph, A = (C + C^T) / 2, where C is 0/1 and every point is its own first neighbour.

    Neighbours are ranked by (Euclidean distance, index): among equally far points the lower index is nearer, except
    that a point is always its own neighbour, in place of its last one if necessary.

    Args:
        vectors: (n, d) finite, already normalised; n > 0.
        neighbours: k, including the point itself; at most n are used.
        search: `auto` is exact up to 200,000 points (see `comus_core.clustering.search`).
        seed: of an approximate search.
        blocks: who makes the blocks of an exact search of many points; the graph is the same.

    Raises:
        SettingsError: `neighbours` below 1, no points, NaN or infinite vectors, a search that is not installed.
    """
    require(neighbours >= 1, f"neighbours {neighbours}: must be at least 1 (a point counts itself)")
    vectors = normalise(vectors, "raw")
    require(len(vectors) > 0, "no vectors: there are no proposals to cluster")
    chosen = choose_search(len(vectors), search)
    indices = neighbours_among(vectors, min(neighbours, len(vectors)), chosen, seed, blocks)
    itself = np.arange(len(vectors), dtype=indices.dtype)
    hidden = ~(indices == itself[:, None]).any(axis=1)  # behind as many exact duplicates of lower index
    indices[hidden, -1] = itself[hidden]
    return _graph(indices, chosen)


def joint_graph(first: Graph, second: Graph) -> Graph:
    """The graph of two views of the same n points: affinities are added, so that either view may join two points.

    Edges of both views weigh twice, so that a neighbour by chance in one view is outvoted (the mixture of both graphs'
    random walks of Zhou and Burges 2007, for graphs of about the same degrees).

    Raises:
        SettingsError: different numbers of points.
    """
    n, m = len(first.components), len(second.components)
    require(n == m, f"graphs of {n} and {m} points cannot be joined: use two views of the same points")
    return graph_of(first.affinity + second.affinity, first.search)


def graph_of(affinity: Any, search: GraphSearch) -> Graph:
    """The graph of a symmetric (n, n) sparse affinity, with its connected components."""
    affinity = affinity.tocsr()
    affinity.sort_indices()
    return Graph(affinity, connected_components(affinity, directed=False)[1].astype(np.int32), search)


def _graph(indices: IntArray, search: GraphSearch) -> Graph:
    """The graph of (n, k) neighbours; -1 is none."""
    n, k = indices.shape
    starts = np.r_[0, np.cumsum((indices >= 0).sum(axis=1))].astype(indices.dtype if n * k < 2**31 else np.int64)
    columns = indices[indices >= 0] if starts[-1] < n * k else indices.ravel()
    names = sparse.csr_array((np.full(len(columns), 0.5, np.float32), columns, starts), shape=(n, n))
    return graph_of(names + names.T, search)
