"""A run's proposals ranked by how similar their features are to some vectors, read block by block. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_view import RunView, rows_in
from comus_core.settings import check_choice, require
from comus_core.types import BoolMask, FloatArray, IntArray, SimilarBy, Vectors
from comus_core.workspace.decisions import Decisions

BLOCK = 8192  # rows of features held as float64 at a time: 80 MB of 1280 dimensions
TOP = 24  # proposals that are listed where nothing else is said
DECIMALS = 6  # of a similarity: what is printed is what is compared, and equal vectors tie


@dataclass(frozen=True, eq=False)
class Ranking:
    """Proposals by similarity. Treat the arrays as read-only.

    Attributes:
        rows: (m,) rows of the proposals, most similar first, ties by proposal id.
        similarity: (m,) float64 of each of them, −1 to 1.
    """

    rows: IntArray
    similarity: FloatArray

    def __len__(self) -> int:
        return len(self.rows)

    def count(self, threshold: float) -> int:
        """How many reach a threshold: they are the first so many of `rows`."""
        return int(np.searchsorted(-self.similarity, -threshold, side="right"))

    def at(self, number: int) -> float:
        """The threshold that the first `number` reach: the similarity of the last of them; 1 for none."""
        return float(self.similarity[min(number, len(self)) - 1]) if number > 0 and len(self) else 1.0

    def border(self, threshold: float, most: int) -> tuple[IntArray, IntArray]:
        """Places in `rows` of those just above a threshold and just below it, the closest to it first."""
        count = self.count(threshold)
        above = np.arange(count - 1, max(count - most, 0) - 1, -1)
        return above, np.arange(count, min(count + most, len(self)))


def similarities(view: RunView, wanted: Vectors, by: SimilarBy = "mean") -> FloatArray:
    """(n,) float64 similarity of every proposal to some raw vectors: the cosine, rounded to `DECIMALS`.

    The features are read from the disk in blocks, so that a million proposals take no memory but the answer.

    Args:
        view: the run.
        wanted: (q, d) raw vectors; each counts alike, whatever its length. A vector of zeros is similar to nothing.
        by: `mean` is the cosine with the mean of the unit vectors, `nearest` the highest cosine with one of them.

    Raises:
        SettingsError: no vector, or one of another number of dimensions than the run's.
    """
    check_choice("by", by, SimilarBy)
    queries = np.asarray(wanted, np.float64)
    require(queries.ndim == 2 and len(queries) > 0, "nothing to compare with: give proposals or an image")
    ids, vectors = tables.read_vectors(view.workspace.artifact(view.run, "features"))
    require(
        queries.shape[1] == vectors.shape[1],
        f"a vector of {queries.shape[1]} dimensions, but those of run {view.run.id} have {vectors.shape[1]}",
    )
    queries = _unit(queries)
    if by == "mean":
        queries = _unit(queries.mean(axis=0, keepdims=True))
    similarity = np.empty(len(view))
    order = rows_in(ids, view.proposals.proposal_id, "features")
    for part, block in _blocks(vectors, order, len(view)):
        similarity[part] = (_unit(block) @ queries.T).max(axis=1)
    return np.round(similarity, DECIMALS) + 0.0  # no negative zero


def rows_of_ids(view: RunView, proposals: Sequence[str]) -> IntArray:
    """The rows of some proposals, each once, in the order given.

    Raises:
        SettingsError: the run has no such proposal.
    """
    unknown = next((p for p in proposals if p not in view.row_of), None)
    require(unknown is None, f"no proposal {unknown} in run {view.run.id}; ids are such as {_example(view)}")
    return np.array([view.row_of[p] for p in dict.fromkeys(proposals)], np.int64)


def vectors_of_rows(view: RunView, rows: IntArray) -> Vectors:
    """(q, d) raw vectors of some rows, in their order; only these are read."""
    ids, vectors = tables.read_vectors(view.workspace.artifact(view.run, "features"))
    order = rows_in(ids, view.proposals.proposal_id, "features")
    return np.asarray(vectors[rows if isinstance(order, slice) else order[rows]])


def candidates(view: RunView, decided: Decisions, compared: IntArray) -> BoolMask:
    """(n,) bool, which proposals are ranked: all but those compared with, erased ones, and those of excluded images."""
    categories = view.categories(decided)
    among: BoolMask = ~(categories.erased | categories.excluded)
    among[compared] = False
    return among


def ranked(view: RunView, similarity: FloatArray, among: BoolMask | None = None) -> Ranking:
    """The proposals by a similarity, of all or of those that `among` (n,) marks."""
    rows = np.arange(len(view)) if among is None else np.flatnonzero(among)
    ids = pa.array(view.proposals.proposal_id[rows], pa.string())
    table = pa.table({"similarity": similarity[rows], "id": ids})
    order = pc.sort_indices(table, sort_keys=[("similarity", "descending"), ("id", "ascending")]).to_numpy()
    return Ranking(rows[order], similarity[rows][order])


def _example(view: RunView) -> str:
    return str(view.proposals.proposal_id[0]) if len(view) else "beach.jpg#0"


def _blocks(vectors: Vectors, order: slice | IntArray, count: int) -> Iterator[tuple[slice, FloatArray]]:
    for start in range(0, count, BLOCK):
        part = slice(start, min(start + BLOCK, count))
        yield part, np.asarray(vectors[part if isinstance(order, slice) else order[part]], np.float64)


def _unit(vectors: FloatArray) -> FloatArray:
    """Each of length 1; zeros stay zeros."""
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    unit: FloatArray = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
