"""Which categories a person might want to merge: close in the embedding, or with classes or neighbours in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from comus_core.runs.run_view import RunView
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decisions import Decisions

MOST_ASKED = 4000  # proposals of which the neighbours are looked at; exact and within a second


@dataclass(frozen=True)
class Confused:
    """The two categories most often confused.

    Attributes:
        one, other: their ids, smaller first.
        by: `ground truth` or `neighbours`.
        shared: pixels of the same classes; or, by neighbours, the affinity between the two as a share of all affinity
            that the one with less of it has, 0 to 1.
        asked: by neighbours, how many proposals were looked at.
    """

    one: int
    other: int
    by: Literal["ground truth", "neighbours"]
    shared: float
    asked: int = 0


def nearest_categories(view: RunView, decided: Decisions, most: int = 2) -> dict[int, list[int]]:
    """Category id -> ids of those whose mean rows of the embedding have the highest cosine with its own, nearest first.

    Those of equal cosine come by id; an empty category is near nothing.
    """
    found, embedding = view.categories(decided), view.embedding()
    means = np.zeros((len(found.ids), embedding.shape[1]))
    for number, rows in enumerate(found.rows):
        if len(rows):
            means[number] = np.asarray(embedding[np.sort(rows)], np.float64).mean(axis=0)
    lengths = np.linalg.norm(means, axis=1)
    unit = means / np.maximum(lengths, 1e-300)[:, None]
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    cosine[lengths == 0] = cosine[:, lengths == 0] = -np.inf
    nearest = {}
    for number, category in enumerate(found.ids):
        order: IntArray = np.argsort(-cosine[number], kind="stable")[:most]
        nearest[category] = [found.ids[k] for k in order if np.isfinite(cosine[number, k])]
    return nearest


def most_confused(contingency: IntArray) -> tuple[int, int, int] | None:
    """The two categories that hold most pixels of the same classes.

    What two share is the sum over foreground classes of the smaller of their two pixel counts.

    Args:
        contingency: (C + 1, n) pixels of predicted category and class, row 0 and column 0 the background.

    Returns:
        Dense numbers of the two, smaller first, and the pixels they share; None if no two share any.
    """
    pixels = np.asarray(contingency)[1:, 1:]
    shared = np.zeros((len(pixels), len(pixels)), np.int64)
    for column in pixels.T:
        shared += np.minimum(column[:, None], column[None, :])
    shared = np.triu(shared, 1)
    if not shared.any():
        return None
    one, other = np.unravel_index(int(shared.argmax()), shared.shape)
    return int(one), int(other), int(shared[one, other])


def confused_pair(view: RunView, decided: Decisions, pixels: IntArray | None = None) -> Confused | None:
    """The two categories most often confused, None if no two share anything.

    Args:
        view: the run.
        decided: its categories.
        pixels: (C + 1, n) of a score, as `most_confused` takes them; None, as without ground truth: the two with most
            affinity between them in the graph of the run's settings, on at most `MOST_ASKED` proposals.
    """
    ids = view.categories(decided).ids
    if pixels is not None:
        pair = most_confused(pixels)
        return None if pair is None else Confused(ids[pair[0]], ids[pair[1]], "ground truth", pair[2])
    rows = np.flatnonzero(view.categories(decided).category >= 0)
    if len(rows) > MOST_ASKED:
        rows = np.sort(np.random.default_rng(view.run.config.seed).choice(rows, MOST_ASKED, replace=False))
    between = affinity_between(view, decided, rows)
    share = between / np.maximum(np.minimum.outer(between.sum(axis=1), between.sum(axis=1)), 1e-300)
    share = np.triu(share, 1)
    if not share.any():
        return None
    one, other = np.unravel_index(int(share.argmax()), share.shape)
    return Confused(ids[int(one)], ids[int(other)], "neighbours", float(share[one, other]), len(rows))


def affinity_between(view: RunView, decided: Decisions, rows: IntArray) -> FloatArray:
    """(C, C) symmetric sums of the affinities between categories, in the graph of the proposals of these rows alone.

    A proposal's affinity to itself is left out.
    """
    from comus_core.clustering import knn_graph, normalise

    settings, found = view.run.config.clustering, view.categories(decided)
    C = len(found.ids)
    if not len(rows):
        return np.zeros((C, C))
    vectors = normalise(np.asarray(view.vectors()[rows]), settings.features)
    edges = knn_graph(vectors, settings.neighbours, "exact", view.run.config.seed).affinity.tocoo()
    off = edges.row != edges.col
    own, near = found.category[rows[edges.row[off]]], found.category[rows[edges.col[off]]]
    sums: FloatArray = np.bincount(own * C + near, edges.data[off].astype(np.float64), C * C).reshape(C, C)
    return sums
