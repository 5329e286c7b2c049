"""The centre of merged categories, and the distances of their proposals from it."""

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
    """The proposals of all the categories, each with its cosine distance to their mean row of the embedding.

    Proposals moved by hand are part of the mean, but keep their old distance, as they are not ranked by it. Erased or
    rejected proposals and those of excluded images are not part of the mean, but get a distance, since each may return.
    """
    layout = decided.layout
    returned = {p: k for p, k in layout.moved.items() if k != REJECTED}
    with_all = replace(layout, erased=frozenset(), excluded=frozenset(), moved=returned)
    everything = replace(decided, layout=with_all, filter_by="distance")
    inside = np.isin(view.categories(everything).id_of, list(categories))
    counted = np.isin(view.categories(replace(decided, filter_by="distance")).id_of, list(categories))
    hand = np.array([p in layout.by_hand for p in view.proposals.proposal_id], bool)
    rows, embedding = np.flatnonzero(inside & ~hand), view.embedding()
    if not len(rows):
        return []
    centre = np.asarray(embedding[counted if counted.any() else rows], np.float64).mean(axis=0)
    distance = cosine_distance(embedding[rows], np.broadcast_to(centre, (len(rows), len(centre))))
    return [(str(p), exact(d)) for p, d in zip(view.proposals.proposal_id[rows], distance, strict=True)]


def joined_members(source: Artifact, decided: Decisions, joined: Artifact) -> dict[int, list[Member]]:
    """The members of merged categories among proposals added to the clusters of another run, by category.

    Distances are to the mean of the other run's proposals; empty if the embeddings of both differ.
    """
    table, embedding, new = tables.read_clusters(source), tables.read_embedding(source), tables.read_clusters(joined)
    rows, categories = tables.read_embedding(joined).rows, tables.categories_of(table, decided)
    if rows.shape[1] != embedding.rows.shape[1]:
        return {}
    members: dict[int, list[Member]] = {}
    for merged in sorted(set(decided.layout.into.values())):
        parts = [merged, *(gone for gone, into in decided.layout.into.items() if into == merged)]
        inside, members_of_source = np.flatnonzero(np.isin(new.cluster, parts)), categories.id_of == merged
        if len(inside) and members_of_source.any():
            centre = np.asarray(embedding.rows[members_of_source], np.float64).mean(axis=0)
            distance = cosine_distance(rows[inside], np.broadcast_to(centre, (len(inside), len(centre))))
            members[merged] = [(str(p), exact(d)) for p, d in zip(new.proposal_id[inside], distance, strict=True)]
    return members


def exact(distance: np.float32 | FloatArray) -> float:
    """The shortest decimal of a float32."""
    return float(str(np.float32(distance)))
