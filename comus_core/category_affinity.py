"""Which categories a person might want to merge: those close in the embedding, and those that hold the same classes."""

from __future__ import annotations

import numpy as np

from comus_core.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions


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
