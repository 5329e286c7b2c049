"""One side of the clustering benchmark in a process of its own: seconds per step, NMI, peak memory, as JSON.

`python -m benchmarks.clustering_sides SIDE N POINTS`, where POINTS is `-` for `benchmarks.mixture` or a file with a
function `points(n, seed)`. What is compiled or imported on the first call is so before the clock starts.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import numpy as np

from benchmarks import mixture

CLUSTERS, NEIGHBOURS, SEED = 80, 30, 0
Figures = dict[str, float]


def generator(source: str) -> Any:
    """The function `points(n, seed)` of a file, or the benchmark's own."""
    if source == "-":
        return mixture.points
    spec = spec_from_file_location("points", source)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.points


class Clock:
    """Seconds since the last step, by name."""

    def __init__(self) -> None:
        self.seconds: Figures = {}
        self._last = time.perf_counter()

    def step(self, name: str) -> None:
        """End the step of this name."""
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def ours(points: np.ndarray, keep: bool = False) -> tuple[np.ndarray, Figures]:
    """COMUS Explorer's own steps, as `clustering.clusters.cluster` runs them on unit-length or raw vectors."""
    from comus_core.clustering.components import embedding_with_attached, small_components
    from comus_core.clustering.graph import knn_graph
    from comus_core.clustering.k_means import k_means

    clock = Clock()
    graph = knn_graph(points, NEIGHBOURS, seed=SEED)
    clock.step("graph")
    small = small_components(graph, CLUSTERS) & (not keep)
    found = embedding_with_attached(points, graph, small, CLUSTERS, NEIGHBOURS, SEED)
    clock.step("eigenvectors")
    labels, _, _ = k_means(found.vectors, CLUSTERS, 10, SEED)
    clock.step("k-means")
    facts = {"components": graph.component_count, "attached": int(small.sum()), "residual": found.residuals.max()}
    return labels, {**clock.seconds, **{name: float(value) for name, value in facts.items()}}


def plain(points: np.ndarray) -> tuple[np.ndarray, Figures]:
    """scikit-learn's exact graph, SciPy's Lanczos, scikit-learn's k-means."""
    from scipy import sparse
    from scipy.sparse.linalg import eigsh
    from sklearn.cluster import KMeans
    from sklearn.neighbors import kneighbors_graph

    clock = Clock()
    names = kneighbors_graph(points, NEIGHBOURS, include_self=True)
    affinity = (names + names.T) / 2
    clock.step("graph")
    root = sparse.diags(1 / np.sqrt(np.asarray(affinity.sum(axis=1)).ravel()))
    vectors = root @ eigsh(root @ affinity @ root, CLUSTERS, which="LA", v0=np.ones(len(points)))[1]
    clock.step("eigenvectors")
    labels = KMeans(CLUSTERS, n_init=10, random_state=SEED).fit(vectors).labels_
    clock.step("k-means")
    return labels, clock.seconds


def scikit_learn(points: np.ndarray) -> tuple[np.ndarray, Figures]:
    """`SpectralClustering` as it comes."""
    from sklearn.cluster import SpectralClustering

    clock = Clock()
    model = SpectralClustering(
        CLUSTERS, affinity="nearest_neighbors", n_neighbors=NEIGHBOURS, random_state=SEED, n_init=10
    )
    labels = model.fit(points).labels_
    clock.step("all")
    return labels, clock.seconds


def products(points: np.ndarray) -> Figures:
    """Seconds of the bare matrix products of all pairs, best of two, by slabs with all of BLAS's threads."""
    slab, seconds = 1024, []
    room = np.empty((slab, len(points)), np.float32)
    for _ in range(2):
        start = time.perf_counter()
        for first in range(0, len(points), slab):
            rows = points[first : first + slab]
            np.matmul(rows, points.T, out=room[: len(rows)])
        seconds.append(time.perf_counter() - start)
    return {"products": min(seconds)}


def measure(side: str, n: int, source: str) -> Figures:
    """All figures of one side."""
    from sklearn.metrics import normalized_mutual_info_score as nmi

    points, labels = generator(source)(n, seed=SEED)
    if side.startswith("islands"):
        points, labels = mixture.with_islands(points, labels)
    if side == "products":
        return products(points)
    run = {
        "ours": ours,
        "plain": plain,
        "scikit-learn": scikit_learn,
        "islands": ours,
        "islands-kept": lambda points: ours(points, keep=True),
    }[side]
    start = time.perf_counter()
    if side != "scikit-learn":
        run(generator("-")(3000, seed=1)[0])
    warm = time.perf_counter() - start
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, figures = run(points)
    total = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    large = slice(n)  # without the bursts
    quality = {"nmi": nmi(labels, found)}
    if side.startswith("islands"):
        quality["nmi of the rest"] = nmi(labels[large], found[large])
        quality["clusters of the rest"] = len(set(found[large].tolist()))
    return {**figures, "total": total, "first call": warm, **{k: float(v) for k, v in quality.items()}, "peak": peak}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
