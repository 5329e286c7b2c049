"""Agreement between clusterings of resamples, by number of clusters (after Ben-Hur 2002; Fang and Wang 2012)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from comus_core.clustering.components import embedding_with_attached, small_components
from comus_core.clustering.embedding import Embedding, spectral_embedding
from comus_core.clustering.graph import Graph, graph_of, knn_graph, normalise
from comus_core.config import ClusteringSettings
from comus_core.types import FloatArray, IntArray, Vectors

RESAMPLES = 10
SHARE = 0.8  # of the points, in each resample
REFERENCES, REFERENCE_RESAMPLES = 3, 3  # sets of points without clusters, and resamples of each
SMOOTH = 5  # places of the grid over which the reference is averaged: without structure it is level from K to K
N_INIT = 3  # restarts of k-means
NEAR_BEST = 0.91  # of the best value: the largest K that reaches it is suggested
EVERY_UP_TO, STEP = 20, 1.06  # of the grid over K

Tick = Callable[[], None]
Space = Callable[[int], FloatArray]  # K -> (n, k) in which k-means looks for K clusters


@dataclass(frozen=True)
class Stability:
    """Agreement of clusterings, one value per K of the grid.

    Attributes:
        clusters: (g,) the grid.
        agreement: (g,) mean adjusted Rand index of two resamples' clusterings on the points they share.
        reference: (g,) the same for points without clusters, smoothed.
        value: (g,) (agreement - reference) / (1 - reference): 1 is perfect, 0 no better than no structure.
    """

    clusters: IntArray
    agreement: FloatArray
    reference: FloatArray
    value: FloatArray

    @property
    def suggestion(self) -> int:
        """The largest K within 9 % of the best value.

        With K true clusters, a coarser partition that joins some of them is as stable. So the largest stable K is used
        (as with prediction strength, Tibshirani and Walther 2005).
        """
        best = float(self.value.max())
        near = self.value >= (NEAR_BEST * best if best > 0 else best)
        return int(self.clusters[near].max())


def grid(largest: int) -> IntArray:
    """2, 3 ... 20, then in steps of 6 %, up to `largest`."""
    tail = [EVERY_UP_TO]
    while tail[-1] < largest:
        tail.append(max(tail[-1] + 1, round(tail[-1] * STEP)))
    values = [*range(2, EVERY_UP_TO + 1), *tail[1:]]
    return np.array([k for k in values if k <= largest])


def stability(
    vectors: Vectors,
    graph: Graph,
    settings: ClusteringSettings,
    largest: int,
    seed: int,
    tick: Tick = lambda: None,
) -> Stability:
    """Cluster resamples of 80 % of the points, and compare every pair on their common points.

    A resample's graph is the part of the full graph between its points, and every K uses the leading columns of one
    embedding. The adjusted Rand index corrects for chance at given sizes; the reference corrects for the agreement of
    few large clusters without any structure: points of a normal distribution with the vectors' mean and covariance,
    clustered in the same way. `vectors` are (n, d), normalised as the settings say, n of at least 10; `largest` is from
    2 to 0.8 n; `tick` is called after each of `ticks()` steps.
    """
    rng = np.random.default_rng(seed)
    clusters = grid(largest)
    agreement = _agreement(vectors, graph, settings, clusters, RESAMPLES, rng, seed, tick)
    references = np.empty((REFERENCES, len(clusters)))
    for number in range(REFERENCES):
        plain = normalise(without_clusters(vectors, rng), settings.features)
        flat = knn_graph(plain, settings.neighbours, settings.graph, seed)
        references[number] = _agreement(plain, flat, settings, clusters, REFERENCE_RESAMPLES, rng, seed, tick)
    reference = smooth(references.mean(axis=0))
    value = (agreement - reference) / np.maximum(1 - reference, 1e-9)
    return Stability(clusters, agreement, reference, value)


def ticks() -> int:
    """The number of calls of `tick` by `stability`."""
    return RESAMPLES + REFERENCES * REFERENCE_RESAMPLES


def smooth(values: FloatArray) -> FloatArray:
    """(g,) the mean over `SMOOTH` neighbouring values, with the first and last value repeated."""
    mean: FloatArray = np.convolve(np.pad(values, SMOOTH // 2, mode="edge"), np.full(SMOOTH, 1 / SMOOTH), "valid")
    return mean


def without_clusters(vectors: Vectors, rng: np.random.Generator) -> Vectors:
    """Points of a normal distribution with the vectors' mean and covariance: (n, d) float32."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    spread = np.linalg.qr(vectors - mean, mode="r")  # R^T R = n covariance
    drawn: Vectors = (mean + rng.standard_normal((len(vectors), len(spread))) @ spread / np.sqrt(len(vectors))).astype(
        np.float32
    )
    return drawn


def part_of(graph: Graph, rows: IntArray) -> Graph:
    """The graph between some of its points."""
    return graph_of(graph.affinity[rows][:, rows], graph.search)


def _agreement(
    vectors: Vectors,
    graph: Graph,
    settings: ClusteringSettings,
    clusters: IntArray,
    resamples: int,
    rng: np.random.Generator,
    seed: int,
    tick: Tick,
) -> FloatArray:
    labels = np.full((resamples, len(clusters), len(vectors)), -1, np.int32)
    for number in range(resamples):
        rows = np.sort(rng.choice(len(vectors), round(SHARE * len(vectors)), replace=False))
        space = _space(vectors[rows], part_of(graph, rows), settings, int(clusters[-1]), seed)
        labels[number][:, rows] = _partitions(space, clusters, seed)
        tick()
    return mean_agreement(labels)


def mean_agreement(labels: IntArray) -> FloatArray:
    """(g,) mean adjusted Rand index over all pairs of resamples, on their common points.

    `labels` are (b, g, n): clusters of b resamples for g numbers of clusters; -1 = not in the resample.
    """
    from sklearn.metrics import adjusted_rand_score

    scores = []
    for first, second in combinations(labels, 2):
        common = (first[0] >= 0) & (second[0] >= 0)
        scores.append([adjusted_rand_score(a[common], b[common]) for a, b in zip(first, second, strict=True)])
    mean: FloatArray = np.mean(scores, axis=0)
    return mean


def embedding_of(vectors: Vectors, graph: Graph, settings: ClusteringSettings, k: int, seed: int) -> Embedding:
    """The k leading eigenvectors; components too small for k clusters are attached if the settings say so."""
    if settings.small_components == "keep":
        return spectral_embedding(graph, k, seed)
    return embedding_with_attached(vectors, graph, small_components(graph, k), k, settings.neighbours, seed)


def _space(vectors: Vectors, graph: Graph, settings: ClusteringSettings, largest: int, seed: int) -> Space:
    if settings.method in ("kmeans", "minibatch-kmeans"):
        return lambda _: vectors
    columns = embedding_of(vectors, graph, settings, largest, seed).vectors
    return lambda k: columns[:, :k]


def _partitions(space: Space, clusters: IntArray, seed: int) -> IntArray:
    """(g, n) k-means labels for each K."""
    from comus_core.clustering.k_means import k_means  # loads numba

    return np.array([k_means(space(k), k, N_INIT, seed)[0] for k in clusters.tolist()])
