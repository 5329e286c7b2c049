"""The centre of categories that become one, and how far each of their proposals is from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from comus_core.clustering.centres import cosine_distance
from comus_core.run_view import RunView
from comus_core.types import FloatArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import REJECTED

Member = tuple[str, float]  # a proposal's id and its distance


def merged_members(view: RunView, decided: Decisions, categories: Sequence[int]) -> list[Member]:
    """The proposals of all the categories, each with its cosine distance to the mean of their rows of the embedding.

    Proposals moved there by hand are part of that mean, but are not ranked by a distance and keep the one they had.
    Those erased or rejected one by one are no part of it, but have theirs, since accepting one brings it back.
    """
    layout = decided.layout
    returned = {p: k for p, k in layout.moved.items() if k != REJECTED}
    whole = replace(decided, layout=replace(layout, erased=frozenset(), moved=returned), filter_by="distance")
    inside = np.isin(view.categories(whole).id_of, list(categories))
    counted = np.isin(view.categories(replace(decided, filter_by="distance")).id_of, list(categories))
    hand = np.array([p in layout.by_hand for p in view.proposals.proposal_id], bool)
    rows, embedding = np.flatnonzero(inside & ~hand), view.embedding()
    if not len(rows):
        return []
    centre = np.asarray(embedding[counted if counted.any() else rows], np.float64).mean(axis=0)
    distance = cosine_distance(embedding[rows], np.broadcast_to(centre, (len(rows), len(centre))))
    return [(str(p), exact(d)) for p, d in zip(view.proposals.proposal_id[rows], distance, strict=True)]


def exact(distance: np.float32 | FloatArray) -> float:
    """The shortest number that reads back as the very same float32."""
    return float(str(np.float32(distance)))
