"""The clustering methods by name: a file with a `SPEC` and one line here for each."""

from __future__ import annotations

from comus_core.clustering import baselines, consensus, evoc_layers, leiden, spectral, umap_space
from comus_core.clustering.method import MethodSpec
from comus_core.config import ClusteringMethod

METHODS: dict[ClusteringMethod, MethodSpec] = {
    spec.name: spec
    for spec in (
        spectral.SPEC,
        consensus.SPEC,
        umap_space.SPEC,
        baselines.K_MEANS,
        baselines.MINIBATCH,
        leiden.SPEC,
        evoc_layers.SPEC,
        baselines.HDBSCAN,
    )
}
