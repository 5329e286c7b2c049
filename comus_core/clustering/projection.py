"""The vectors as a 2-D map for display only. Imports its libraries when called."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comus_core.clustering.graph import normalise
from comus_core.clustering.nearest import groups_of_equals
from comus_core.settings import check_choice
from comus_core.types import FloatArray, MapMethod, Vectors

FEW = 5  # below this many distinct vectors there are no neighbourhoods to show
COMPONENTS = 50  # principal ones that t-SNE gets (van der Maaten and Hinton 2008, section 4.2)
PERPLEXITY = 30.0  # lowered to a third of the other points where there are few
UMAP_NEIGHBOURS = 15
WORTH_TWO_THREADS = 3000  # points; below, threads of t-SNE mostly wait for each other
TALL = 10  # rows a column from which the covariance is decomposed: it needs no second copy of a million vectors
CHUNK = 16384  # rows of the covariance at a time


def project(vectors: Vectors, method: MapMethod, seed: int) -> NDArray[np.float32]:
    """Place every vector in the plane so that neighbours stay near.

    t-SNE runs on the 50 leading principal components with PCA start and perplexity 30 (at most a third of the other
    points), UMAP on the vectors with PCA start and 15 neighbours. PCA is the two directions of largest variance, each
    signed so that its largest entry is positive. Fewer than 5 distinct vectors are always shown by PCA. `vectors` are
    (n, d), normalised as for the graph. The same seed gives the same positions on one machine.

    Returns:
        (n, 2) float32 positions; scale and rotation are arbitrary except for PCA, in units of the vectors.

    Raises:
        SettingsError: an unknown method, NaN or infinite vectors.
    """
    check_choice("projection", method, MapMethod)
    vectors = normalise(vectors, "raw")
    distinct = int(groups_of_equals(vectors).max(initial=-1)) + 1
    if method == "pca" or distinct < FEW:
        return _principal(vectors, 2).astype(np.float32)
    place = _tsne if method == "tsne" else _umap
    return np.asarray(place(vectors, seed), np.float32)


def _tsne(vectors: Vectors, seed: int) -> FloatArray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    components = _principal(vectors, min(COMPONENTS, *vectors.shape)).astype(np.float32)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    threads = 1 if len(vectors) < WORTH_TWO_THREADS else 2  # two partial sums have one order, more come in any
    with threadpool_limits(threads):
        model = TSNE(2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
        positions: FloatArray = model.fit_transform(components)
    return positions


def _umap(vectors: Vectors, seed: int) -> FloatArray:
    from comus_core.clustering.umap_space import umap_rows

    return umap_rows(vectors, dimensions=2, neighbours=UMAP_NEIGHBOURS, seed=seed)


def _principal(vectors: Vectors, count: int) -> FloatArray:
    """(n, count) float64 coordinates along the directions of largest variance, zeros beyond their number."""
    coordinates = np.zeros((len(vectors), count))
    if len(vectors) > 1:
        mean = vectors.mean(axis=0, dtype=np.float64)
        directions = _directions(vectors, mean)[:count]
        largest = np.abs(directions).argmax(axis=1)
        directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
        for rows in _chunks(len(vectors)):
            coordinates[rows, : len(directions)] = (vectors[rows] - mean) @ directions.T
    return coordinates


def _directions(vectors: Vectors, mean: FloatArray) -> FloatArray:
    """(min(n, d), d) directions by descending variance."""
    n, d = vectors.shape
    if n < TALL * d:
        directions: FloatArray = np.linalg.svd(vectors - mean, full_matrices=False)[2]
        return directions
    scatter = np.zeros((d, d))
    for rows in _chunks(n):
        wide = vectors[rows] - mean
        scatter += wide.T @ wide
    return np.ascontiguousarray(np.linalg.eigh(scatter)[1].T[::-1])


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]
