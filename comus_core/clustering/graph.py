"""The neighbour graph that the spectral embedding cuts (paper section 3.2; method 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from comus_core.clustering.search import choose_search, neighbours_among
from comus_core.config import GraphSearch, Normalisation
from comus_core.settings import check_choice, require
from comus_core.types import IntArray, Vectors

ROWS_AT_ONCE = 50_000  # of vectors held in float64


@dataclass(frozen=True)
class Graph:
    """n points and who is near whom.

    Attributes:
        affinity: (n, n) symmetric CSR, float32: 1 where both points name each other (and on the diagonal), 0.5 where
            only one does; the sum of that over two views in a `joint_graph`.
        components: (n,) int32, the connected component of each point, numbered by their first points.
        search: what found the neighbours: `exact`, `nndescent` or `faiss`.
    """

    affinity: Any
    components: IntArray
    search: GraphSearch = "exact"

    @property
    def component_count(self) -> int:
        """How many connected components there are; 1 is the ordinary case."""
        return int(self.components.max()) + 1


def normalise(vectors: Vectors, how: Normalisation) -> Vectors:
    """The vectors as graph, k-means, assignment and projection read them.

    Args:
        vectors: (n, d), as the encoder gave them.
        how: `raw` (the paper) or `l2`: each divided by its Euclidean length; a zero vector stays zero.

    Returns:
        (n, d) float32.

    Raises:
        SettingsError: no (n, d) array of numbers, an unknown `how`, or NaN or infinite values, naming the first row.
    """
    check_choice("features", how, Normalisation)
    vectors = np.ascontiguousarray(vectors, np.float32)
    require(vectors.ndim == 2 and vectors.shape[1] > 0, f"vectors of shape {vectors.shape}: give (n, d) with d > 0")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    require(
        not len(bad),
        f"vectors: {len(bad)} of {len(vectors)} rows hold NaN or infinite values, first row "
        f"{bad[0] if len(bad) else ''}: compute these features again or leave them out",
    )
    if how == "raw":
        return vectors
    unit = np.empty_like(vectors)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        wide = vectors[start : start + ROWS_AT_ONCE].astype(np.float64)
        length = np.sqrt(np.einsum("ij,ij->i", wide, wide))
        unit[start : start + ROWS_AT_ONCE] = wide / np.where(length > 0, length, 1)[:, None]
    return unit


def knn_graph(vectors: Vectors, neighbours: int = 30, search: GraphSearch = "auto", seed: int = 0) -> Graph:
    """The k-nearest-neighbour graph, A = (C + C^T) / 2 with C 0/1 and every point its own first neighbour.

    Neighbours are Euclidean, ranked by (distance, index): among equally far points the lower index is the nearer one,
    except that a point always names itself, in place of its last neighbour if need be.

    Args:
        vectors: (n, d) finite, normalised as wished; n > 0.
        neighbours: k, the point itself among them; no more than n are used.
        search: `auto` is exact up to 200,000 points (see `comus_core.clustering.search`).
        seed: of an approximate search.

    Returns:
        The graph with its connected components.

    Raises:
        SettingsError: `neighbours` below 1, no points, NaN or infinite vectors, a search that is not installed.
    """
    require(neighbours >= 1, f"neighbours {neighbours}: at least 1 (a point counts itself)")
    vectors = normalise(vectors, "raw")
    require(len(vectors) > 0, "a graph of 0 vectors: there are no proposals to cluster")
    chosen = choose_search(len(vectors), search)
    found = neighbours_among(vectors, min(neighbours, len(vectors)), chosen, seed)
    own = np.arange(len(vectors), dtype=found.dtype)
    hidden = ~(found == own[:, None]).any(axis=1)  # behind as many exact duplicates of lower index
    found[hidden, -1] = own[hidden]
    return _graph(found, chosen)


def joint_graph(first: Graph, second: Graph) -> Graph:
    """The graph of two views of the same n points: affinities added, so that either view may join two points.

    What both say weighs twice, so that a point near in one view by chance is outvoted (the mixture of both graphs'
    random walks of Zhou and Burges 2007, for graphs of about the same degrees).

    Raises:
        SettingsError: they are of different numbers of points.
    """
    n, m = len(first.components), len(second.components)
    require(n == m, f"graphs of {n} and {m} points cannot be joined: give two views of the same points")
    affinity = (first.affinity + second.affinity).tocsr()
    affinity.sort_indices()
    return Graph(affinity, connected_components(affinity, directed=False)[1].astype(np.int32), first.search)


def _graph(found: IntArray, search: GraphSearch) -> Graph:
    """The graph of (n, k) neighbours; -1 is none."""
    n, k = found.shape
    starts = np.r_[0, np.cumsum((found >= 0).sum(axis=1))].astype(found.dtype if n * k < 2**31 else np.int64)
    columns = found[found >= 0] if starts[-1] < n * k else found.ravel()
    names = sparse.csr_array((np.full(len(columns), 0.5, np.float32), columns, starts), shape=(n, n))
    affinity = (names + names.T).tocsr()
    affinity.sort_indices()
    return Graph(affinity, connected_components(affinity, directed=False)[1].astype(np.int32), search)
