"""Categories to merge: those near in the embedding, or with common classes or neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from comus_core.runs.run_view import RunView
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decisions import Decisions

MAX_COMPARED = 4000  # proposals whose neighbours are compared, exactly and within a second


@dataclass(frozen=True)
class ConfusedPair:
    """The two categories most often confused.

    Attributes:
        one, other: their ids, the smaller first.
        by: `ground truth` or `neighbours`.
        shared: pixels of the same classes; by neighbours, the affinity between both as a share of the smaller total
            affinity of the two, 0 to 1.
        asked: by neighbours, the number of compared proposals.
    """

    one: int
    other: int
    by: Literal["ground truth", "neighbours"]
    shared: float
    asked: int = 0


def nearest_categories(view: RunView, decided: Decisions, most: int = 2) -> dict[int, list[int]]:
    """Category id -> ids of the nearest categories by the cosine of their mean rows of the embedding, nearest first.

    Ties are ordered by id; an empty category has no neighbours.
    """
    categories, embedding = view.categories(decided), view.embedding()
    means = np.zeros((len(categories.ids), embedding.shape[1]))
    for number, rows in enumerate(categories.rows):
        if len(rows):
            means[number] = np.asarray(embedding[np.sort(rows)], np.float64).mean(axis=0)
    lengths = np.linalg.norm(means, axis=1)
    unit = means / np.maximum(lengths, 1e-300)[:, None]
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    cosine[lengths == 0] = cosine[:, lengths == 0] = -np.inf
    nearest = {}
    for number, category in enumerate(categories.ids):
        order: IntArray = np.argsort(-cosine[number], kind="stable")[:most]
        nearest[category] = [categories.ids[k] for k in order if np.isfinite(cosine[number, k])]
    return nearest


def most_confused(contingency: IntArray) -> tuple[int, int, int] | None:
    """The two categories that share most pixels of the same classes.

    Two categories share the sum over foreground classes of the smaller of their pixel counts.

    Args:
        contingency: (C + 1, n) pixels of predicted category and class, row 0 and column 0 the background.

    Returns:
        Their dense numbers, the smaller first, and the shared pixels; None if no two share any.
    """
    pixels = np.asarray(contingency)[1:, 1:]
    shared = np.zeros((len(pixels), len(pixels)), np.int64)
    for column in pixels.T:
        shared += np.minimum(column[:, None], column[None, :])
    shared = np.triu(shared, 1)
    if not shared.any():
        return None
    first, second = np.unravel_index(int(shared.argmax()), shared.shape)
    return int(first), int(second), int(shared[first, second])


def confused_pair(view: RunView, decided: Decisions, pixels: IntArray | None = None) -> ConfusedPair | None:
    """The two categories most often confused, None if no two share anything.

    `pixels` are (C + 1, n) of a score, see `most_confused`; None without ground truth: the pair with most affinity
    between them in the neighbour graph of at most `MAX_COMPARED` proposals.
    """
    ids = view.categories(decided).ids
    if pixels is not None:
        pair = most_confused(pixels)
        return None if pair is None else ConfusedPair(ids[pair[0]], ids[pair[1]], "ground truth", pair[2])
    rows = np.flatnonzero(view.categories(decided).category >= 0)
    if len(rows) > MAX_COMPARED:
        rows = np.sort(np.random.default_rng(view.run.config.seed).choice(rows, MAX_COMPARED, replace=False))
    between = affinity_between(view, decided, rows)
    share = between / np.maximum(np.minimum.outer(between.sum(axis=1), between.sum(axis=1)), 1e-300)
    share = np.triu(share, 1)
    if not share.any():
        return None
    first, second = np.unravel_index(int(share.argmax()), share.shape)
    return ConfusedPair(ids[int(first)], ids[int(second)], "neighbours", float(share[first, second]), len(rows))


def affinity_between(view: RunView, decided: Decisions, rows: IntArray) -> FloatArray:
    """(C, C) symmetric sums of the affinities between categories, in the neighbour graph of these rows.

    A proposal's affinity to itself is not counted.
    """
    from comus_core.clustering.graph import knn_graph, normalise

    settings, categories = view.run.config.clustering, view.categories(decided)
    C = len(categories.ids)
    if not len(rows):
        return np.zeros((C, C))
    vectors = normalise(np.asarray(view.vectors()[rows]), settings.features)
    edges = knn_graph(vectors, settings.neighbours, "exact", view.run.config.seed).affinity.tocoo()
    off = edges.row != edges.col
    start, end = categories.category[rows[edges.row[off]]], categories.category[rows[edges.col[off]]]
    sums: FloatArray = np.bincount(start * C + end, edges.data[off].astype(np.float64), C * C).reshape(C, C)
    return sums
