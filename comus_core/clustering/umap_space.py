"""`umap`: k-means after UMAP, which brings neighbours together and spreads the rest (McInnes et al. 2018)."""

from __future__ import annotations

import warnings

import numpy as np

from comus_core.clustering.method import MethodSpec, Problem, distinct
from comus_core.clustering.space import Clusters, Space, k_means_clusters, mean_of_equals
from comus_core.config import UmapSettings
from comus_core.types import FloatArray, Vectors

FEWEST = 12  # distinct vectors; fewer have no neighbourhoods, and k-means works on the vectors


def umap_rows(
    vectors: Vectors, *, dimensions: int, neighbours: int, seed: int, least_distance: float = 0.1
) -> FloatArray:
    """(n, dimensions) float32 coordinates by umap-learn, from a start by PCA, in units of its own.

    The same seed gives the same bytes on one machine, whatever the number of threads. `vectors` are (n, d), n of at
    least 3, d and n at least `dimensions`; of `neighbours` there are at most n - 1.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    from umap import UMAP

    _enable_cache()
    nearest = min(neighbours, len(vectors) - 1)
    model = UMAP(nearest, dimensions, min_dist=least_distance, init="pca", random_state=seed, n_jobs=1)
    with threadpool_limits(1), warnings.catch_warnings():  # of the one thread that a seed needs
        warnings.simplefilter("ignore")
        rows: FloatArray = model.fit_transform(vectors)
    return rows


def umap_space(vectors: Vectors, settings: UmapSettings, seed: int) -> FloatArray:
    """(n, m) float32 rows around their mean in which to look for clusters; the vectors where they are too few.

    m is `settings.dimensions`, or fewer where the vectors have fewer. A row's direction from the mean is what cosine
    distances compare.
    """
    if len(vectors) < FEWEST:
        return vectors
    dimensions = min(settings.dimensions, vectors.shape[1], len(vectors) - 2)
    apart = settings.least_distance
    rows = umap_rows(vectors, dimensions=dimensions, neighbours=settings.neighbours, seed=seed, least_distance=apart)
    centred: FloatArray = (rows - rows.mean(axis=0, dtype=np.float64)).astype(np.float32)
    return centred


def _enable_cache() -> None:
    """Let numba cache three functions of umap that every process would compile again (8 s)."""
    from umap import umap_

    for function in (umap_.fast_knn_indices, umap_.smooth_knn_dist, umap_.compute_membership_strengths):
        function.enable_caching()


def find(problem: Problem) -> Clusters:
    """k-means on the rows of `umap_space`."""
    few = distinct(problem) < FEWEST
    rows = problem.vectors if few else umap_space(problem.vectors, problem.settings.umap, problem.seed)
    space = Space(mean_of_equals(rows, problem.group))
    return k_means_clusters(space, problem.group, problem.first, problem.settings.n_init, problem.seed)


SPEC = MethodSpec("umap", "k-means after UMAP", find)
