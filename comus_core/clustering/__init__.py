"""Vectors to clusters: exact neighbour graph, spectral embedding, k-means, distances and filter (paper section 3.2)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comus_core.clustering.assignment import assign_to_nearest
    from comus_core.clustering.clusters import Clusters, cluster
    from comus_core.clustering.embedding import Embedding, spectral_embedding
    from comus_core.clustering.filtering import filter_rank, kept
    from comus_core.clustering.graph import Graph, knn_graph, normalise

__all__ = [
    "Clusters",
    "Embedding",
    "Graph",
    "assign_to_nearest",
    "cluster",
    "filter_rank",
    "kept",
    "knn_graph",
    "normalise",
    "spectral_embedding",
]

_HOMES = {
    "Clusters": "clusters",
    "Embedding": "embedding",
    "Graph": "graph",
    "assign_to_nearest": "assignment",
    "cluster": "clusters",
    "filter_rank": "filtering",
    "kept": "filtering",
    "knn_graph": "graph",
    "normalise": "graph",
    "spectral_embedding": "embedding",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
