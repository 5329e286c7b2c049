"""New vectors in the spectral embedding of a run: the Nyström extension (Bengio et al. 2004, equation 10)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from comus_core.clustering.graph import normalise
from comus_core.clustering.nearest import nearest
from comus_core.settings import require
from comus_core.types import FloatArray, IntArray, Vectors

LEAST_EIGENVALUE = 1e-3  # an eigenvector of one that is smaller is noise divided by nearly nothing: its column is 0
TILE_BYTES = 32 << 20  # of one tile of float64 distances


def nystrom(
    new_vectors: Vectors,
    vectors: Vectors,
    embedding: FloatArray,
    eigenvalues: FloatArray,
    neighbours: int = 30,
    attached: IntArray | None = None,
) -> FloatArray:
    """Rows of the spectral embedding for vectors that were not in the graph.

    The affinity of a new vector x and a clustered one y is that of the graph: 1/2 if y is among the `neighbours`
    nearest of x, and 1/2 if x is no farther from y than the farthest of y's own neighbours. With the columns of
    `spectral_embedding` (eigenvectors over sqrt(degree)) the extension is the mean of the rows of `embedding`,
    weighted by these affinities, over the eigenvalue. A vector of the run itself gets its own row back, up to ties in
    distance. Points of small components that were attached to others (`components`) are in no eigenvector: what they
    add is not divided by the eigenvalue, as if it were 1, which is that of their own component.

    Args:
        new_vectors: (m, d), normalised like `vectors`.
        vectors: (n, d), those of the graph.
        embedding: (n, k) of `vectors`.
        eigenvalues: (k,) of the embedding; a column whose eigenvalue is below 0.001 becomes 0.
        neighbours: as in the graph, the point itself among them.
        attached: rows of `vectors` that were attached; None for none.

    Returns:
        (m, k) float32.

    Raises:
        SettingsError: NaN or infinite vectors, different dimensions or lengths, no spectral embedding.
    """
    new_vectors, vectors = normalise(new_vectors, "raw"), normalise(vectors, "raw")
    require(neighbours >= 1, f"neighbours {neighbours}: must be at least 1")
    require(
        new_vectors.shape[1] == vectors.shape[1],
        f"new vectors have {new_vectors.shape[1]} dimensions, the clustered ones {vectors.shape[1]}: "
        "use the encoder of the run",
    )
    require(
        len(eigenvalues) > 0 and len(eigenvalues) == embedding.shape[1],
        f"Nyström: {len(eigenvalues)} eigenvalues for {embedding.shape[1]} columns: the run has no spectral embedding; "
        "assign by nearest neighbours instead",
    )
    require(
        len(vectors) == len(embedding),
        f"{len(vectors)} vectors but {len(embedding)} rows of the embedding: provide one row per vector",
    )
    count = min(neighbours, len(vectors))
    neighbour_rows, _ = nearest(new_vectors, vectors, count)
    reach = nearest(vectors, vectors, count)[1][:, -1]
    rows = shares_of(embedding, eigenvalues, np.zeros(0, np.int64) if attached is None else attached)
    total = np.full(len(new_vectors), count / 2)
    sums = rows[neighbour_rows].sum(axis=1) / 2
    for new, old in _within_reach(new_vectors, vectors, reach):
        np.add.at(sums, new, rows[old] / 2)
        np.add.at(total, new, 0.5)
    extended: FloatArray = (sums / total[:, None]).astype(np.float32)
    return extended


def shares_of(embedding: FloatArray, eigenvalues: FloatArray, attached: IntArray) -> FloatArray:
    """(n, k) float64: what each point adds, per affinity, to the rows of those that it is a neighbour of.

    Its row over the eigenvalue, as it is for `attached` points, and 0 where the eigenvalue is below 0.001.
    """
    usable = np.asarray(eigenvalues) > LEAST_EIGENVALUE
    is_attached = np.zeros(len(embedding), bool)
    is_attached[attached] = True
    divisor = np.where(is_attached[:, None], 1.0, np.where(usable, eigenvalues, 1))
    shares: FloatArray = np.where(usable, embedding, 0.0) / divisor
    return shares


def nearest_centre(rows: FloatArray, centres: FloatArray) -> tuple[IntArray, FloatArray]:
    """The cluster whose centre is nearest, Euclidean, to each extended row; ties to the lower.

    Args:
        rows: (m, k), of `nystrom`.
        centres: (K, k) in the embedding.

    Returns:
        (m,) int32 clusters and (m,) float32 confidences: 1 - a / b with the distances a to the nearest and b to the
        second nearest centre (the simplified silhouette), 0 halfway between two; 1 if there is only one cluster.
    """
    rows = rows.astype(np.float64)
    distance = np.stack([np.linalg.norm(rows - centre, axis=1) for centre in centres.astype(np.float64)], axis=1)
    winner = distance.argmin(axis=1)
    if len(centres) == 1:
        return winner.astype(np.int32), np.ones(len(rows), np.float32)
    first, second = np.partition(distance, 1, axis=1)[:, :2].T
    share = np.where(second > 0, 1 - first / np.where(second > 0, second, 1), 0)
    return winner.astype(np.int32), share.astype(np.float32)


def _within_reach(queries: Vectors, points: Vectors, reach: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """All (query, point) in tiles whose squared distance is at most the point's reach, up to 1e-9 of it."""
    centre = points.mean(axis=0, dtype=np.float64)
    q, p = queries - centre, points - centre
    p_square = np.square(p).sum(axis=1)
    scale = float(p_square.max(initial=0)) + float(np.square(q).sum(axis=1).max(initial=0))
    height = max(1, TILE_BYTES // (8 * len(p)))
    for start in range(0, len(q), height):
        part = q[start : start + height]
        square = np.square(part).sum(axis=1)[:, None] + p_square - 2 * part @ p.T
        new, old = np.nonzero(square <= reach * (1 + 1e-9) + 1e-12 * scale)
        exact = np.square(queries[start + new].astype(np.float64) - points[old]).sum(axis=1)
        near = exact <= reach[old] * (1 + 1e-12)
        yield start + new[near], old[near]
