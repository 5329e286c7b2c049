"""The categories that some proposals most likely belong to: where a person will want to move them."""

from __future__ import annotations

import numpy as np

from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decisions import Decisions

BLOCK = 65536  # rows of the embedding that are summed at a time


def likely_categories(view: RunView, decided: Decisions, rows: IntArray) -> list[int]:
    """Ids of all categories by the cosine between their mean row of the embedding and that of the objects `rows`.

    The rows themselves are in no category's mean, but for a category that has no other proposals: its mean is theirs.
    A category without any comes after all others, in the order of ids; one in which all of `rows` are comes last, as
    nothing would move. Drawn objects have no feature: where only such are in `rows`, the ids give the order.

    Args:
        view: of the run.
        decided: its decisions.
        rows: as in `DecidedObjects`: proposals, and drawn objects after all of them.
    """
    ids, own = np.array(view.categories(decided).ids, np.int64), rows[rows < len(view)]
    cosine = _cosines(view, decided, own) if len(own) else np.zeros(len(ids))
    here = np.unique(decided_objects(view, decided).category[rows])
    if len(here) == 1 and here[0] >= 0:
        order = np.lexsort((ids, -cosine, np.arange(len(ids)) == here[0]))
    else:
        order = np.lexsort((ids, -cosine))
    return [int(k) for k in ids[order]]


def _cosines(view: RunView, decided: Decisions, rows: IntArray) -> FloatArray:
    """(C,) of each category to the sum of the proposals `rows`, up to a common factor; −∞ for one without proposals."""
    categories, embedding = view.categories(decided), view.embedding()
    others, count = categories.category.copy(), len(categories.ids)
    others[rows] = -1
    centres = category_sums(embedding, others, count)
    alone = ~np.isin(np.arange(count), others)
    centres[alone] = category_sums(embedding, categories.category, count)[alone]
    norms, wanted = np.linalg.norm(centres, axis=1), np.asarray(embedding[rows], np.float64).sum(axis=0)
    known = norms > 0
    cosine = np.full(count, -np.inf)
    cosine[known] = centres[known] @ wanted / norms[known]
    return cosine


def category_sums(embedding: FloatArray, category: IntArray, count: int) -> FloatArray:
    """(count, k) float64 sum of the rows of each category; −1 is none. No more than a block is held as float64."""
    from scipy.sparse import csr_array

    sums = np.zeros((count, embedding.shape[1]))
    for start in range(0, len(category), BLOCK):
        part = category[start : start + BLOCK]
        rows = np.flatnonzero(part >= 0)
        members = csr_array((np.ones(len(rows)), (part[rows], rows)), shape=(count, len(part)))
        sums += members @ np.asarray(embedding[start : start + BLOCK], np.float64)
    return sums
