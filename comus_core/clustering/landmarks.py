"""Spectral clustering of very many points: some of them, the landmarks, are clustered, and the rest joins them.

A point's row in the landmarks' spectral embedding is its Nyström extension, the mean of the rows of its neighbours
among the landmarks over the eigenvalue (Bengio et al. 2004, "Out-of-sample extensions for LLE, Isomap, MDS, Eigenmaps,
and spectral clustering", equation 10; here of the normalised graph, as in `extension`). Its cluster is what its
nearest landmarks vote for, as in `assignment`: of 5,000 points of `benchmarks.mixture` that join 5,000 landmarks in 80
clusters the vote has an NMI of 0.571, the nearest centre of the extended rows 0.540, the landmarks themselves 0.574. A
point that is identical to a landmark gets its row and its cluster. Every point is looked at by itself: in blocks, by
any number of workers, in memory that does not grow with the points except for the result.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from comus_core.clustering.assignment import VOTERS, vote
from comus_core.clustering.blocks import Arrays, Blocks, Columns, Heed
from comus_core.clustering.centres import cosine_distance
from comus_core.clustering.extension import shares_of
from comus_core.clustering.graph import normalise
from comus_core.clustering.space import Clusters
from comus_core.clustering.uncertainty import cluster_shapes, silhouette_beside, uncertainties
from comus_core.config import ClusteringSettings, Normalisation
from comus_core.config.clustering import MOST_POINTS
from comus_core.errors import ComusError
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray, Vectors


def landmark_count(n: int, settings: ClusteringSettings, wanted: int, one_view: bool = True) -> int:
    """How many of n points are clustered so that the others join them; n where all are.

    All are with `settings.landmarks` of 0 up to 1,000,000 points, with other methods than `spectral`, with a second
    view, and where there are no more points than landmarks. `wanted` is the number of clusters to be found.

    Raises:
        SettingsError: no more landmarks than clusters.
    """
    if settings.method != "spectral" or not one_view:
        return n
    count = min(n, settings.landmarks or MOST_POINTS)
    require(
        count == n or count > wanted,
        f"landmarks {count}: too few for {wanted} clusters: choose more (clustering.landmarks), or fewer clusters",
    )
    return count


def draw_landmarks(n: int, count: int, seed: int) -> IntArray:
    """(count,) different rows of n, ascending, each as likely as any other."""
    rows: IntArray = np.sort(np.random.default_rng(seed).choice(n, count, replace=False))
    return rows


def with_the_rest(
    found: Clusters, landmarks: IntArray, vectors: Vectors, settings: ClusteringSettings, clusters: int, blocks: Blocks
) -> Clusters:
    """The clusters of all points from those of the landmarks.

    Args:
        found: of the landmarks.
        landmarks: (m,) rows of `vectors`.
        vectors: (n, d), raw, of all points; may be memory-mapped.
        settings: of the clustering.
        clusters: K, as many as were wanted.
        blocks: who makes the blocks.

    Raises:
        SettingsError: too few distinct landmarks, NaN or infinite vectors.
    """
    from comus_core.clustering.search_points import SearchPoints

    require(
        len(found.eigenvalues) > 0,
        f"no more than {clusters} of {len(landmarks)} landmarks are distinct: choose more (clustering.landmarks), or "
        "leave duplicates out",
    )
    if found.graph is None:  # what has eigenvalues has a graph
        raise ComusError("landmarks without a graph: cluster all points (clustering.landmarks=0)")
    near = min(settings.neighbours, len(landmarks))
    known = SearchPoints.of(normalise(vectors[landmarks], settings.features)).arrays()
    means, spread = cluster_shapes(found.embedding, found.cluster)
    own = {"cluster": found.cluster, "distance": found.distance, "embedding": found.embedding}
    own |= uncertainties(found.embedding, found.cluster, found.graph)
    arrays = {
        **known,
        **own,
        "vectors": vectors,
        "reach": blocks("reach", partial(_reach, neighbours=near), known, len(landmarks))["reach"],
        "shares": shares_of(found.embedding, found.eigenvalues, found.attached_rows),
        "centres": found.centres,
        "means": means,
        "spread": spread,
    }
    work = partial(join_block, features=settings.features, neighbours=near)
    columns = blocks("rest", work, arrays, len(vectors))
    for name, values in own.items():
        columns[name][landmarks] = values
    return _by_size(found, landmarks, columns)


def _reach(arrays: Arrays, rows: slice, heed: Heed, neighbours: int) -> Columns:
    """The squared distance of some landmarks to the farthest of their own neighbours."""
    from comus_core.clustering.query_blocks import nearest_to
    from comus_core.clustering.search_points import SearchPoints

    known = SearchPoints.among(arrays)
    return {"reach": nearest_to(known.points[rows], known, neighbours, heed)[1][:, -1]}


def join_block(arrays: Arrays, rows: slice, heed: Heed, features: Normalisation, neighbours: int) -> Columns:
    """Row, cluster, distance and what else the filter may rank by, of some points.

    As far as neighbours are concerned, these are the `neighbours` nearest landmarks, of which at most 7 vote. What is
    identical to a landmark gets all from it, from that of the lowest row where several are.
    """
    from comus_core.clustering.query_blocks import add_within_reach, nearest_to
    from comus_core.clustering.search_points import SearchPoints

    known = SearchPoints.among(arrays)
    vectors = normalise(arrays["vectors"][rows], features, rows.start)
    vectors = np.require(vectors, requirements="W")  # numba compiles anew for what cannot be written to
    near, squares = nearest_to(vectors, known, neighbours, heed)
    sums, counts = add_within_reach(vectors, known, arrays["reach"], arrays["shares"], heed)
    for column in near.T:
        sums += arrays["shares"][column]
    embedding = (sums / (counts + neighbours)[:, None]).astype(np.float32)
    cluster, _ = vote(arrays["cluster"][near[:, :VOTERS]], np.sqrt(squares[:, :VOTERS]))
    measures = _measures(embedding, cluster, near, arrays)
    columns = {
        "cluster": cluster,
        "distance": cosine_distance(embedding, arrays["centres"][cluster]),
        "embedding": embedding,
        **{name: values.astype(np.float32) for name, values in measures.items()},
    }
    same = squares[:, 0] == 0
    for name, values in columns.items():
        values[same] = arrays[name][near[same, 0]]
    return columns


def _measures(embedding: FloatArray, cluster: IntArray, near: IntArray, arrays: Arrays) -> dict[str, FloatArray]:
    """What `uncertainties` gives, of points beside the landmarks: against their nearest landmarks and all clusters."""
    far, other = np.zeros(len(near)), np.zeros(len(near))
    for column in near.T:
        step = embedding.astype(np.float64) - arrays["embedding"][column]
        far += np.sqrt(np.square(step).sum(axis=1))
        other += arrays["cluster"][column] != cluster
    inside = silhouette_beside(embedding, cluster, arrays["means"], arrays["spread"])
    return {"silhouette": 1 - inside, "density": far / near.shape[1], "agreement": other / near.shape[1]}


def _by_size(found: Clusters, landmarks: IntArray, columns: Columns) -> Clusters:
    """The clusters numbered by the sizes that they have with the rest, then by their first point."""
    cluster = columns["cluster"]
    _, first, sizes = np.unique(cluster, return_index=True, return_counts=True)  # none is empty: each has landmarks
    order = np.lexsort((first, -sizes))
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order))
    return replace(
        found,
        cluster=number[cluster],
        distance=columns["distance"],
        embedding=columns["embedding"],
        centres=found.centres[order],
        attached_rows=landmarks[found.attached_rows],
        landmarks=landmarks,
        measures={name: columns[name] for name in ("silhouette", "density", "agreement")},
    )
