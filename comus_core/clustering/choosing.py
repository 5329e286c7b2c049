"""Estimate the number of clusters: five curves, each with a suggestion; `auto` takes the one that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import get_args

import numpy as np

from comus_core.clustering.curves import Curve, HowMany
from comus_core.clustering.evoc_layers import FEWEST, evoc_layers, has_evoc, require_evoc
from comus_core.clustering.evoc_layers import INSTALL as EVOC_INSTALL
from comus_core.clustering.graph import Graph, knn_graph, normalise
from comus_core.clustering.leiden import INSTALL, RESOLUTIONS, community_counts, has_leiden, plateau, require_leiden
from comus_core.clustering.nearest import groups_of_equals
from comus_core.clustering.stability import N_INIT, NEAR_BEST, Stability, embedding_of, grid, stability, ticks
from comus_core.clustering.uncertainty import silhouette
from comus_core.config import ClusteringSettings, NumberBy
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
    names: Collection[NumberBy] = get_args(NumberBy),
) -> HowMany:
    """Estimate the number of clusters.

    All curves share one graph, and all numbers share one embedding. Of more than 2,000 vectors, 2,000 random ones are
    used. If Leiden or EVōC is not installed, its curve is empty and says so; where `settings.number_by` names it, that
    is an error, and where its curve suggests nothing, stability decides. `vectors` are (n, d),
    raw: `settings.features` says how they are read. `max_clusters` is at least 2; None is 100, or a fifth of the
    vectors if that is less. `tick` is called with (steps done, all steps). `names` are the curves wanted, to which
    stability and the one of `settings.number_by` are added.

    Raises:
        SettingsError: no vectors, NaN or infinite ones, `max_clusters` below 2, an estimate that is not installed.
    """
    for name, require_installed in (("leiden", require_leiden), ("evoc", require_evoc)):
        if settings.number_by == name:
            require_installed()
    vectors, most, too_few = _points(vectors, settings, seed, max_clusters)
    if too_few is not None:
        return too_few
    n = len(vectors)
    wanted = [name for name in get_args(NumberBy) if name in {"stability", settings.number_by, *names}]
    total, done = ticks() + len(wanted), 0

    def step() -> None:
        nonlocal done
        done += 1
        tick(done, total)

    graph = knn_graph(vectors, settings.neighbours, settings.graph, seed)
    makers: dict[NumberBy, Callable[[], Curve]] = {
        "stability": lambda: _stable(stability(vectors, graph, settings, most, seed, step)),
        "eigengap": lambda: eigengap(embedding_of(vectors, graph, settings, most + 1, seed).eigenvalues),
        "leiden": lambda: _leiden(graph, most, seed),
        "silhouette": lambda: silhouette_after_umap(vectors, settings, most, seed),
        "evoc": lambda: _evoc(vectors, most, seed),
    }
    curves = []
    for name in wanted:
        curves.append(makers[name]())
        step()
    named = next(c for c in curves if c.name == settings.number_by)
    chosen = curves[0] if named.suggestion is None else named
    assert chosen.suggestion is not None
    instead = f"{named.name} suggests no number ({named.reason}); by stability, " if chosen is not named else ""
    return HowMany(chosen.suggestion, instead + chosen.reason, n, tuple(curves))


def silhouette_alone(
    vectors: Vectors, settings: ClusteringSettings, seed: int, max_clusters: int | None = None
) -> HowMany:
    """The silhouette after UMAP as in `how_many`, and no other curve: by it, encoders are compared.

    Raises:
        SettingsError: no vectors, NaN or infinite ones, `max_clusters` below 2.
    """
    points, most, too_few = _points(vectors, settings, seed, max_clusters)
    if too_few is not None:
        return too_few
    curve = silhouette_after_umap(points, settings, most, seed)
    assert curve.suggestion is not None
    return HowMany(curve.suggestion, curve.reason, len(points), (curve,))


def _points(
    vectors: Vectors, settings: ClusteringSettings, seed: int, max_clusters: int | None
) -> tuple[Vectors, int, HowMany | None]:
    """The vectors that the curves are of, the largest number to try, and what is said where they are too few."""
    require(len(vectors) > 0, "no proposals: the number of clusters cannot be estimated")
    require(max_clusters is None or max_clusters >= 2, f"most {max_clusters}: must be at least 2")
    vectors = normalise(_subset(vectors, seed), settings.features)  # of millions only what is used is read
    n, distinct = len(vectors), int(groups_of_equals(vectors).max()) + 1
    if n < FEWEST_POINTS or distinct < FEWEST_POINTS:
        fewer = min(2, distinct)
        words = f"{fewer} clusters: {n} proposals ({distinct} distinct) are too few to estimate the number of clusters"
        return vectors, fewer, HowMany(fewer, words, n, ())
    return vectors, min(max_clusters or MOST_CLUSTERS, max(2, n // POINTS_A_CLUSTER), distinct - 1), None


def _stable(curve: Stability) -> Curve:
    chosen = curve.suggestion
    at = curve.clusters.tolist().index(chosen)
    best, share = int(curve.value.argmax()), f"{100 * (1 - NEAR_BEST):.0f} %"
    words = (
        f"{chosen} is the largest number of clusters within {share} of the best stability: {curve.value[at]:.2f} at "
        f"{chosen}, {curve.value[best]:.2f} at {curve.clusters[best]} (1 is perfect, 0 is chance)"
    )
    return Curve("stability", curve.clusters, curve.value, chosen, words)


def silhouette_after_umap(vectors: Vectors, settings: ClusteringSettings, max_clusters: int, seed: int) -> Curve:
    """Mean silhouettes (Rousseeuw 1987) of k-means clusters in the space of UMAP; the largest suggests K.

    UMAP's space brings neighbours together whatever the encoder's dimensions and scale, so that silhouettes of
    different encoders can be compared too. `vectors` are normalised, `max_clusters` from 2 to n. Ties go to the
    smallest K.
    """
    from comus_core.clustering.k_means import k_means  # loads numba
    from comus_core.clustering.umap_space import umap_space

    rows, x = umap_space(vectors, settings.umap, seed), grid(max_clusters)
    values = np.array([float(silhouette(rows, k_means(rows, k, N_INIT, seed)[0]).mean()) for k in x.tolist()])
    best = int(values.argmax())
    words = f"the mean silhouette after UMAP is largest at {x[best]}, {values[best]:.2f} (1 is perfect, 0 is none)"
    return Curve("silhouette", x, values, int(x[best]), words)


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


def _evoc(vectors: Vectors, max_clusters: int, seed: int) -> Curve:
    if not has_evoc():
        return Curve("evoc", np.zeros(0), np.zeros(0), None, EVOC_INSTALL)
    if len(vectors) < FEWEST:
        return Curve("evoc", np.zeros(0), np.zeros(0), None, f"{len(vectors)} proposals are too few for EVōC")
    layers = evoc_layers(vectors, seed)
    suggestion = int(layers.counts[layers.best])
    x = np.arange(1, len(layers.counts) + 1)
    if not 2 <= suggestion <= max_clusters:
        return Curve("evoc", x, layers.counts, None, f"EVōC finds {suggestion}, outside 2 to {max_clusters}")
    noise = 100 * float((layers.labels[layers.best] < 0).mean())
    words = f"of {len(x)} layers, the one with {suggestion} clusters lasts longest; it leaves {noise:.0f} % as noise"
    return Curve("evoc", x, layers.counts, suggestion, words)


def _subset(vectors: Vectors, seed: int) -> Vectors:
    if len(vectors) <= MOST_POINTS:
        return vectors
    rows = np.random.default_rng(seed).choice(len(vectors), MOST_POINTS, replace=False)
    return vectors[np.sort(rows)]
