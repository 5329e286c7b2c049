"""How many clusters there are: three curves, each with its suggestion, of which `auto` takes that of stability."""

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

MOST_POINTS = 2000  # more are drawn from: the curves need tens of clusterings, and more points hardly move them
MOST_CLUSTERS = 100
POINTS_A_CLUSTER = 5  # fewer on average are no category
FEWEST_POINTS = 10


def how_many(
    vectors: Vectors,
    settings: ClusteringSettings,
    seed: int,
    most: int | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> HowMany:
    """Propose a number of clusters.

    One graph serves everything, one embedding all numbers. Of more than 2,000 vectors, 2,000 drawn at random are
    looked at. Where Leiden is not installed its curve is empty and says so; `auto` does not hang on it.

    Args:
        vectors: (n, d), raw; `settings.features` says how they are read.
        settings: method, features, and how the graph is made and its small components are taken.
        seed: of everything random.
        most: the largest number to try, at least 2; None: 100, or as many as leave 5 vectors to each.
        tick: told of steps done and of all steps.

    Raises:
        SettingsError: no vectors, NaN or infinite ones, `most` below 2.
    """
    require(len(vectors) > 0, "how many clusters: there are no proposals")
    require(most is None or most >= 2, f"most {most}: at least 2 clusters")
    vectors = _drawn(normalise(vectors, settings.features), seed)
    n, distinct = len(vectors), int(groups_of_equals(vectors).max()) + 1
    if n < FEWEST_POINTS or distinct < FEWEST_POINTS:
        few = min(2, distinct)
        words = f"{few} clusters: {n} proposals ({distinct} distinct) are too few to ask how many categories there are"
        return HowMany(few, words, n, ())
    most = min(most or MOST_CLUSTERS, max(2, n // POINTS_A_CLUSTER), distinct - 1)
    total, done = ticks() + 2, 0

    def step() -> None:
        nonlocal done
        done += 1
        tick(done, total)

    graph = knn_graph(vectors, settings.neighbours, settings.graph, seed)
    found = stability(vectors, graph, settings, most, seed, step)
    eigenvalues = embedding_of(vectors, graph, settings, most + 1, seed).eigenvalues
    step()
    chosen = found.suggestion
    at = found.clusters.tolist().index(chosen)
    best, share = int(found.value.argmax()), f"{100 * (1 - NEAR_BEST):.0f} %"
    words = (
        f"{chosen} is the largest number of clusters within {share} of the best stability: {found.value[at]:.2f} at "
        f"{chosen}, {found.value[best]:.2f} at {found.clusters[best]} (1 is perfect, 0 is chance)"
    )
    stable = Curve("stability", found.clusters, found.value, chosen, words)
    curves = (stable, eigengap(eigenvalues), _leiden(graph, most, seed))
    step()
    return HowMany(chosen, words, n, curves)


def eigengap(eigenvalues: FloatArray) -> Curve:
    """Gaps between neighbours of k + 1 descending eigenvalues at K = 2 to k; the largest suggests K (von Luxburg 2007).

    Equal gaps go to the smallest K.
    """
    x = np.arange(2, len(eigenvalues))
    gaps = eigenvalues[1:-1] - eigenvalues[2:]
    best = int(gaps.argmax())
    words = f"the largest gap, {gaps[best]:.3f}, is between eigenvalues {x[best]} and {x[best] + 1}"
    return Curve("eigengap", x, gaps, int(x[best]), words)


def _leiden(graph: Graph, most: int, seed: int) -> Curve:
    if not has_leiden():
        return Curve("leiden", np.zeros(0), np.zeros(0), None, INSTALL)
    counts = community_counts(graph, seed)
    found = plateau(counts, most)
    share = int((counts == found).sum()) if found else 0
    words = (
        f"{share} of {len(counts)} resolutions give {found} communities" if found else "no number of communities lasts"
    )
    return Curve("leiden", RESOLUTIONS, counts, found, words)


def _drawn(vectors: Vectors, seed: int) -> Vectors:
    if len(vectors) <= MOST_POINTS:
        return vectors
    rows = np.random.default_rng(seed).choice(len(vectors), MOST_POINTS, replace=False)
    return vectors[np.sort(rows)]
