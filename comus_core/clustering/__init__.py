"""From vectors to clusters: neighbour graph, spectral embedding, k-means, distances and filter (paper section 3.2)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comus_core.clustering.assignment import assign_to_nearest
    from comus_core.clustering.choosing import how_many
    from comus_core.clustering.clusters import Clusters, cluster
    from comus_core.clustering.curves import HowMany
    from comus_core.clustering.embedding import Embedding, spectral_embedding
    from comus_core.clustering.extension import nystrom
    from comus_core.clustering.filtering import filter_rank, kept
    from comus_core.clustering.graph import Graph, joint_graph, knn_graph, normalise
    from comus_core.clustering.merging import merge_clusters
    from comus_core.clustering.uncertainty import uncertainties

__all__ = [
    "Clusters",
    "Embedding",
    "Graph",
    "HowMany",
    "assign_to_nearest",
    "cluster",
    "filter_rank",
    "how_many",
    "joint_graph",
    "kept",
    "knn_graph",
    "merge_clusters",
    "normalise",
    "nystrom",
    "spectral_embedding",
    "uncertainties",
]

_MODULE_OF = {
    "Clusters": "clusters",
    "Embedding": "embedding",
    "Graph": "graph",
    "HowMany": "curves",
    "assign_to_nearest": "assignment",
    "cluster": "clusters",
    "filter_rank": "filtering",
    "how_many": "choosing",
    "joint_graph": "graph",
    "kept": "filtering",
    "knn_graph": "graph",
    "merge_clusters": "merging",
    "normalise": "graph",
    "nystrom": "extension",
    "spectral_embedding": "embedding",
    "uncertainties": "uncertainty",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
