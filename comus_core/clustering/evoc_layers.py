"""`evoc`: EVōC of the Tutte Institute, clusters at several granularities, whose numbers it finds itself.

It joins a node embedding like UMAP's to density-based clustering like HDBSCAN's. Its loops over points in threads draw
random numbers, so it runs in one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from comus_core.clustering.merging import merge_clusters
from comus_core.clustering.method import MethodSpec, Problem, distinct
from comus_core.clustering.space import Clusters, Space, k_means_clusters, mean_clusters
from comus_core.errors import ComusError
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray, Vectors

FEWEST = 12  # distinct vectors; EVōC fails with three, and of few it calls most noise
INSTALL = "EVōC needs the package evoc, which is not installed: `pip install 'comus-explorer[evoc]'`"


@dataclass(frozen=True, eq=False)
class Layers:
    """The clusterings that EVōC offers, fine ones first.

    Attributes:
        labels: of each layer (n,) int32, -1 for noise.
        persistence: (l,) how far clusters last over the densities; the layer that EVōC prefers has the most.
    """

    labels: tuple[IntArray, ...]
    persistence: FloatArray

    @property
    def counts(self) -> IntArray:
        """(l,) number of clusters of each layer."""
        return np.array([int(layer.max()) + 1 for layer in self.labels], np.int64)

    @property
    def best(self) -> int:
        """The layer of most persistence, ties to the finest."""
        return int(self.persistence.argmax())


def has_evoc() -> bool:
    """Whether the package is installed."""
    return find_spec("evoc") is not None


def require_evoc() -> None:
    """Raise `SettingsError` unless the package is installed."""
    require(has_evoc(), INSTALL)


def evoc_layers(vectors: Vectors, seed: int, clusters: int | None = None) -> Layers:
    """The layers of clusters of (n, d) normalised vectors, n of at least 5; EVōC compares them by angle.

    `clusters` asks for one layer with about as many; None for its own numbers. The same seed gives the same layers,
    whatever the number of threads.

    Raises:
        SettingsError: the package is not installed.
    """
    require_evoc()
    import numba
    from evoc import EVoC

    model: Any = EVoC(approx_n_clusters=clusters, random_state=seed)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # of distances of 0 between identical vectors
            warnings.simplefilter("ignore")
            model.fit(vectors)
    finally:
        numba.set_num_threads(threads)
    labels = tuple(np.asarray(layer, np.int32) for layer in model.cluster_layers_)
    return Layers(labels, np.asarray(model.persistence_scores_, np.float64))


def find(problem: Problem) -> Clusters:
    """About as many clusters as are to be found, and no more; where that is 1, as many as EVōC prefers.

    Fewer than 12 distinct vectors are left to k-means, into two clusters where the number is free.

    Raises:
        ComusError: all points are noise.
    """
    space, wanted = Space(problem.vectors), problem.first
    if distinct(problem) < FEWEST:
        return k_means_clusters(space, problem.group, max(wanted, 2), problem.settings.n_init, problem.seed)
    layers = evoc_layers(problem.vectors, problem.seed, wanted if wanted > 1 else None)
    labels = layers.labels[layers.best]
    if labels.max() < 0:
        raise ComusError(f"evoc: all {len(labels)} proposals are noise: choose another method")
    if 1 < wanted <= labels.max():
        labels = merge_clusters(problem.graph(), labels, wanted)
    return mean_clusters(space, problem.group, problem.without_noise(labels))


SPEC = MethodSpec(
    "evoc",
    "EVōC: dense regions of a node embedding; auto is its own number",
    find,
    finds_number=True,
    require_installed=require_evoc,
)
