"""What a clustering method is: a function from vectors to clusters, with what must be known about it beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comus_core.clustering.assignment import assign_to_nearest
from comus_core.clustering.blocks import HERE, Blocks
from comus_core.clustering.graph import Graph, joint_graph, knn_graph
from comus_core.clustering.space import Clusters
from comus_core.config import ClusteringMethod, ClusteringSettings
from comus_core.config.clustering import TWO_VIEWS
from comus_core.types import IntArray, Vectors


@dataclass(frozen=True)
class Problem:
    """Vectors to be clustered, more of them distinct than there are to be clusters.

    Attributes:
        vectors: (n, d), normalised.
        group: (n,) of `groups_of_equals`: identical vectors share a number.
        settings: the method's options.
        clusters: K.
        first: how many to find, K or more; more are merged to K afterwards.
        seed: of every random choice.
        beside: (n, e), normalised, a second view of the same points; None for none.
        components: eigenvectors of `spectral`; None: as many as are to be found.
        blocks: who makes the blocks of an exact search.
    """

    vectors: Vectors
    group: IntArray
    settings: ClusteringSettings
    clusters: int
    first: int
    seed: int
    beside: Vectors | None = None
    components: int | None = None
    blocks: Blocks = HERE

    def graph(self) -> Graph:
        """The neighbour graph of the vectors, to which that of the second view is added if there is one."""
        how = self.settings
        graph = knn_graph(self.vectors, how.neighbours, how.graph, self.seed, self.blocks)
        if self.beside is None:
            return graph
        return joint_graph(graph, knn_graph(self.beside, how.neighbours, how.graph, self.seed, self.blocks))

    def without_noise(self, labels: IntArray) -> IntArray:
        """The labels, those of points in no cluster (-1) as `settings.noise` says."""
        noise = labels < 0
        if self.settings.noise == "keep" or not noise.any() or noise.all():
            return labels
        full = labels.copy()
        full[noise] = assign_to_nearest(self.vectors[noise], self.vectors, labels)[0]
        return full


@dataclass(frozen=True)
class MethodSpec:
    """A clustering method.

    Attributes:
        name: in the settings.
        words: what it does, in a few words.
        find: the clusters of a problem.
        takes_number: whether it can be asked for a number of clusters.
        finds_number: whether it finds the number itself where none is asked for, which is a K of 1.
        require_installed: raises `SettingsError`, which says what to install, where its package is missing.
    """

    name: ClusteringMethod
    words: str
    find: Callable[[Problem], Clusters]
    takes_number: bool = True
    finds_number: bool = False
    require_installed: Callable[[], None] = lambda: None

    @property
    def two_views(self) -> bool:
        """Whether it reads `Problem.beside`."""
        return self.name in TWO_VIEWS


def distinct(problem: Problem) -> int:
    """Number of distinct vectors."""
    return int(np.max(problem.group)) + 1
