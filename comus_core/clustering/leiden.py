"""Communities of the neighbour graph by the Leiden algorithm (Traag et al. 2019), of python-igraph."""

from __future__ import annotations

import random
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse

from comus_core.clustering.graph import Graph
from comus_core.clustering.method import MethodSpec, Problem
from comus_core.clustering.space import Clusters, Space, mean_clusters
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray

RESOLUTIONS = np.geomspace(0.2, 20, 60)
HALVINGS, EXTREMES = 20, (1e-3, 1e3)  # of the interval in which a resolution is searched
INSTALL = "Leiden needs python-igraph, which is not installed: `pip install 'comus-explorer[leiden]'`"


def has_leiden() -> bool:
    """Whether python-igraph is installed."""
    return find_spec("igraph") is not None


def require_leiden() -> None:
    """Raise `SettingsError` unless python-igraph is installed."""
    require(has_leiden(), INSTALL)


def leiden_of(graph: Graph, clusters: int, seed: int) -> IntArray:
    """Communities whose number is as near to `clusters` as possible; there are at least as many as components.

    The resolution is searched by bisection of its logarithm between 0.001 and 1000.

    Returns:
        (n,) int32 from 0 up.

    Raises:
        SettingsError: python-igraph is not installed.
    """
    network, (low, high) = _igraph(graph), np.log(EXTREMES)
    best, error = None, np.inf
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        labels = _communities(network, float(np.exp(middle)), seed)
        count = int(labels.max()) + 1
        if abs(count - clusters) < error:
            best, error = labels, abs(count - clusters)
        if not error:
            break
        low, high = (middle, high) if count < clusters else (low, middle)
    assert best is not None
    return best


def community_counts(graph: Graph, seed: int, resolutions: FloatArray = RESOLUTIONS) -> IntArray:
    """(r,) number of communities at each resolution.

    Raises:
        SettingsError: python-igraph is not installed.
    """
    network = _igraph(graph)
    return np.array([int(_communities(network, float(r), seed).max()) + 1 for r in resolutions])


def plateau(counts: IntArray, max_clusters: int) -> int | None:
    """The number from 2 to `max_clusters` that most resolutions give, by even log steps; ties to the smallest.

    None if no resolution gives such a number.
    """
    numbers, lengths = np.unique(counts[(counts >= 2) & (counts <= max_clusters)], return_counts=True)
    return int(numbers[lengths.argmax()]) if len(numbers) else None


def _igraph(graph: Graph) -> tuple[Any, list[float]]:
    require_leiden()
    from igraph import Graph as Network

    upper = sparse.triu(graph.affinity, 1).tocoo()
    edges = np.stack([upper.row, upper.col], axis=1).tolist()
    return Network(n=graph.affinity.shape[0], edges=edges), upper.data.tolist()


def _communities(network: tuple[Any, list[float]], resolution: float, seed: int) -> IntArray:
    import igraph

    nodes, weights = network
    igraph.set_random_number_generator(random.Random(seed))
    try:
        partition = nodes.community_leiden("modularity", weights=weights, resolution=resolution, n_iterations=-1)
    finally:
        igraph.set_random_number_generator(random)  # igraph's own default
    return np.array(partition.membership, np.int32)


def _find(problem: Problem) -> Clusters:
    graph = problem.graph()
    space = Space(problem.vectors, graph=graph)
    return mean_clusters(space, problem.group, leiden_of(graph, problem.first, problem.seed))


SPEC = MethodSpec("leiden", "communities of the neighbour graph", _find, require_installed=require_leiden)
