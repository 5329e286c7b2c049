"""Estimate the number of clusters: three curves, each with a suggestion; `auto` uses that of stability."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comus_core.clustering.curves import Curve, HowMany
from comus_core.clustering.graph import Graph, knn_graph, normalise
from comus_core.clustering.leiden import INSTALL, RESOLUTIONS, community_counts, has_leiden, plateau
from comus_core.clustering.nearest import groups_of_equals
from comus_core.clustering.stability import NEAR_BEST, embedding_of, stability, ticks
from comus_core.config import ClusteringSettings
from comus_core.settings import require
from comus_core.types import FloatArray, Vectors

MOST_POINTS = 2000  # a random subset is used above: curves need tens of clusterings and hardly change with more points
MOST_CLUSTERS = 100
POINTS_A_CLUSTER = 5  # on average
FEWEST_POINTS = 10


def how_many(
    vectors: Vectors,
    settings: ClusteringSettings,
    seed: int,
    max_clusters: int | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> HowMany:
    """Estimate the number of clusters.

    All curves share one graph, and all numbers share one embedding. Of more than 2,000 vectors, 2,000 random ones are
    used. If Leiden is not installed, its curve is empty and says so; `auto` does not need it. `vectors` are (n, d),
    raw: `settings.features` says how they are read. `max_clusters` is at least 2; None is 100, or a fifth of the
    vectors if that is less. `tick` is called with (steps done, all steps).

    Raises:
        SettingsError: no vectors, NaN or infinite ones, `max_clusters` below 2.
    """
    require(len(vectors) > 0, "no proposals: the number of clusters cannot be estimated")
    require(max_clusters is None or max_clusters >= 2, f"most {max_clusters}: must be at least 2")
    vectors = _subset(normalise(vectors, settings.features), seed)
    n, distinct = len(vectors), int(groups_of_equals(vectors).max()) + 1
    if n < FEWEST_POINTS or distinct < FEWEST_POINTS:
        too_few = min(2, distinct)
        words = (
            f"{too_few} clusters: {n} proposals ({distinct} distinct) are too few to estimate the number of clusters"
        )
        return HowMany(too_few, words, n, ())
    max_clusters = min(max_clusters or MOST_CLUSTERS, max(2, n // POINTS_A_CLUSTER), distinct - 1)
    total, done = ticks() + 2, 0

    def step() -> None:
        nonlocal done
        done += 1
        tick(done, total)

    graph = knn_graph(vectors, settings.neighbours, settings.graph, seed)
    curve = stability(vectors, graph, settings, max_clusters, seed, step)
    eigenvalues = embedding_of(vectors, graph, settings, max_clusters + 1, seed).eigenvalues
    step()
    chosen = curve.suggestion
    at = curve.clusters.tolist().index(chosen)
    best, share = int(curve.value.argmax()), f"{100 * (1 - NEAR_BEST):.0f} %"
    words = (
        f"{chosen} is the largest number of clusters within {share} of the best stability: {curve.value[at]:.2f} at "
        f"{chosen}, {curve.value[best]:.2f} at {curve.clusters[best]} (1 is perfect, 0 is chance)"
    )
    stable = Curve("stability", curve.clusters, curve.value, chosen, words)
    curves = (stable, eigengap(eigenvalues), _leiden(graph, max_clusters, seed))
    step()
    return HowMany(chosen, words, n, curves)


def eigengap(eigenvalues: FloatArray) -> Curve:
    """Gaps between k + 1 consecutive descending eigenvalues at K = 2 to k; the largest suggests K (von Luxburg 2007).

    Ties go to the smallest K.
    """
    x = np.arange(2, len(eigenvalues))
    gaps = eigenvalues[1:-1] - eigenvalues[2:]
    best = int(gaps.argmax())
    words = f"the largest gap, {gaps[best]:.3f}, is between eigenvalues {x[best]} and {x[best] + 1}"
    return Curve("eigengap", x, gaps, int(x[best]), words)


def _leiden(graph: Graph, max_clusters: int, seed: int) -> Curve:
    if not has_leiden():
        return Curve("leiden", np.zeros(0), np.zeros(0), None, INSTALL)
    counts = community_counts(graph, seed)
    suggestion = plateau(counts, max_clusters)
    share = int((counts == suggestion).sum()) if suggestion else 0
    words = f"{share} of {len(counts)} resolutions give {suggestion} communities" if suggestion else "no stable number"
    return Curve("leiden", RESOLUTIONS, counts, suggestion, words)


def _subset(vectors: Vectors, seed: int) -> Vectors:
    if len(vectors) <= MOST_POINTS:
        return vectors
    rows = np.random.default_rng(seed).choice(len(vectors), MOST_POINTS, replace=False)
    return vectors[np.sort(rows)]
