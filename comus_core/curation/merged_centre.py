"""The centre of categories that become one, and how far each of their proposals is from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from comus_core.clustering.centres import cosine_distance
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_view import RunView
from comus_core.types import FloatArray
from comus_core.workspace import Artifact
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


def joined_members(source: Artifact, decided: Decisions, joined: Artifact) -> dict[int, list[Member]]:
    """The same for proposals that joined the clusters of another run, by the category that theirs were merged into.

    Measured to the mean of the other run's own proposals; nothing where the rows of the two are of different spaces.
    """
    table, found, new = tables.read_clusters(source), tables.read_embedding(source), tables.read_clusters(joined)
    rows, categories = tables.read_embedding(joined).rows, tables.categories_of(table, decided)
    if rows.shape[1] != found.rows.shape[1]:
        return {}
    members: dict[int, list[Member]] = {}
    for now in sorted(set(decided.layout.into.values())):
        whole = [now, *(gone for gone, into in decided.layout.into.items() if into == now)]
        inside, own = np.flatnonzero(np.isin(new.cluster, whole)), categories.id_of == now
        if len(inside) and own.any():
            centre = np.asarray(found.rows[own], np.float64).mean(axis=0)
            distance = cosine_distance(rows[inside], np.broadcast_to(centre, (len(inside), len(centre))))
            members[now] = [(str(p), exact(d)) for p, d in zip(new.proposal_id[inside], distance, strict=True)]
    return members


def exact(distance: np.float32 | FloatArray) -> float:
    """The shortest number that reads back as the very same float32."""
    return float(str(np.float32(distance)))
