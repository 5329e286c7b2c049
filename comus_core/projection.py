"""The vectors as a map in the plane, to look at; nothing is computed from it. Imports its libraries when called."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comus_core.clustering.graph import normalise
from comus_core.clustering.nearest import groups_of_equals
from comus_core.config import check_choice
from comus_core.types import FloatArray, Vectors

Method = Literal["tsne", "umap"]

FEW = 5  # below this many distinct vectors there are no neighbourhoods to show
COMPONENTS = 50  # principal ones that t-SNE gets (van der Maaten and Hinton 2008, section 4.2)
PERPLEXITY = 30.0  # lowered to a third of the other points where there are few
UMAP_NEIGHBOURS = 15
WORTH_TWO_THREADS = 3000  # points; below, threads of t-SNE mostly wait for each other


def project(vectors: Vectors, method: Method, seed: int) -> NDArray[np.float32]:
    """Place every vector in the plane so that near ones stay near.

    t-SNE runs on the 50 leading principal components with PCA start and perplexity 30 (at most a third of the other
    points), UMAP on the vectors with PCA start and 15 neighbours. Fewer than 5 distinct vectors are shown by their two
    principal components: a triangle, a line, or one point at the origin.

    Args:
        vectors: (n, d), normalised as the graph saw them.
        method: `tsne` or `umap`.
        seed: the same seed gives the same positions on one machine.

    Returns:
        (n, 2) float32 positions; scale and rotation mean nothing.

    Raises:
        SettingsError: an unknown method, NaN or infinite vectors.
    """
    check_choice("projection", method, Method)
    vectors = normalise(vectors, "raw")
    distinct = int(groups_of_equals(vectors).max(initial=-1)) + 1
    if distinct < FEW:
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
    from umap import UMAP

    neighbours = min(UMAP_NEIGHBOURS, len(vectors) - 1)
    positions: FloatArray = UMAP(neighbours, init="pca", random_state=seed, n_jobs=1).fit_transform(vectors)
    return positions


def _principal(vectors: Vectors, count: int) -> FloatArray:
    """(n, count) float64 coordinates along the directions of largest variance, zeros where there are no more."""
    coordinates = np.zeros((len(vectors), count))
    if len(vectors) > 1:
        wide = vectors.astype(np.float64)
        wide -= wide.mean(axis=0)
        directions = np.linalg.svd(wide, full_matrices=False)[2][:count]
        largest = np.abs(directions).argmax(axis=1)
        directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
        coordinates[:, : len(directions)] = wide @ directions.T
    return coordinates
