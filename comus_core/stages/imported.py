"""Proposals that a file gives: their table, their vectors and their clusters, each reused where nothing has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.config import Pool
from comus_core.errors import DatasetError, SettingsError
from comus_core.proposals.table import SCHEMA, Proposals
from comus_core.runs import artifact_readers as tables
from comus_core.stages.assignment import assign, assign_choice
from comus_core.stages.context import StageContext
from comus_core.stages.vectors import encoded_vectors, write_vectors
from comus_core.types import BoolMask, FloatArray, IntArray, StrArray
from comus_core.workspace import Artifact, Run
from comus_core.workspace.artifacts import TABLE, digest
from comus_core.workspace.grouped import write_grouped

ROWS = 256  # of a part of the table


def given_proposals(context: StageContext, images: Artifact, proposals: Proposals) -> Artifact:
    """The table of proposals that are given, not found; the same ones are the same artifact."""
    table = proposals.to_table()
    content = [
        *(table.column(name).to_pylist() for name in SCHEMA.names if name != "rle"),
        [bytes(rle).decode("ascii") for rle in table.column("rle").to_pylist()],
    ]

    def write(folder: Path) -> None:
        write_grouped(folder / TABLE, SCHEMA, (table.slice(at, ROWS) for at in range(0, len(table), ROWS)))

    key = context.key("proposals", {"given": digest(content)}, images=images)
    return context.make("saliency", key, None, write)


@dataclass(frozen=True, eq=False)
class ReusedVectors:
    """Vectors of given proposals.

    Attributes:
        features: the artifact of all.
        encoded: the artifact of those that were computed; None where all could be reused.
        known: (n,) row of each in the features of the run, −1 where its vector was computed.
    """

    features: Artifact
    encoded: Artifact | None
    known: IntArray


def reused_features(context: StageContext, run: Run, proposals: Artifact) -> ReusedVectors:
    """One vector a proposal: that of the run where id and region are the same, else from the run's encoder.

    A vector describes the crop of a box (`features.crops`), so another mask in the same box has the same vector; where
    features are pooled under the mask, it has not.

    Raises:
        SettingsError: the run's vectors came from a file, and no encoder can make another.
        DatasetError: an image cannot be read.
    """
    from comus_core.features.encoders import own_vectors, vectors_fingerprint

    source = context.workspace.artifact(run, "features")
    before = tables.read_proposals_lightly(context.workspace.artifact(run, "proposals"))
    given = tables.read_proposals_lightly(proposals)
    regions = [_regions(of, context.config.features.pool) for of in (given, before)]
    known = _known_rows(given, before, regions, tables.read_vectors(source)[0])
    settings, weights = vectors_fingerprint(context.config.features)
    new, encoded = known < 0, None
    if new.any():
        if own_vectors(context.config.features.encoder) is not None:
            raise SettingsError(
                f"run {run.id} has vectors of your own, and {given.proposal_id[new][0]} needs a new one, since its box "
                "has changed: run with an encoder (`comus run --encoder`), then import there"
            )
        key = context.key(
            "features", settings | {"part": digest(_chosen(given, regions[0], new))}, weights, proposals=proposals
        )
        encoded = encoded_vectors(context, "features", key, given[new])
        if encoded.set_aside():
            image_id, reason = next(iter(encoded.set_aside().items()))
            raise DatasetError(f"image {image_id}: {reason}; its changed masks have no vector")

    def write(folder: Path) -> None:
        old = tables.read_vectors(source)[1]
        vectors = np.empty((len(given), old.shape[1]), np.float32)
        vectors[~new] = old[known[~new]]
        if encoded is not None:
            vectors[new] = tables.vectors_of(encoded, given.proposal_id[new])
        write_vectors(folder, given.proposal_id, vectors)

    key = context.key("features", settings | {"reused": True}, weights, proposals=proposals, source=source)
    return ReusedVectors(context.make("features", key, None, write), encoded, known)


def _regions(proposals: Proposals, pool: Pool) -> list[Any]:
    """What of each proposal decides its vector: its box, or its mask."""
    if pool == "mask":
        return [bytes(proposals.rle[row]).decode("ascii") for row in range(len(proposals))]
    boxes: list[Any] = proposals.box_xyxy.tolist()
    return boxes


def _known_rows(given: Proposals, before: Proposals, regions: list[list[Any]], ids: StrArray) -> IntArray:
    """(n,) row in the run's features of each given proposal with the id and region that it had, else −1."""
    row_of = {proposal_id: row for row, proposal_id in enumerate(ids)}
    region_of = dict(zip(before.proposal_id, regions[1], strict=True))
    pairs = zip(given.proposal_id, regions[0], strict=True)
    return np.array([row_of.get(p, -1) if region_of.get(p) == region else -1 for p, region in pairs], np.int64)


def _chosen(given: Proposals, regions: list[Any], chosen: BoolMask) -> list[Any]:
    return [given.proposal_id[chosen].tolist(), [regions[row] for row in np.flatnonzero(chosen)]]


def reused_clusters(context: StageContext, run: Run, vectors: ReusedVectors) -> Artifact:
    """The clusters of a run for given proposals, in the form in which the clustering stage writes its own.

    A proposal with a known id keeps its cluster; a new one joins as added images do (`stages.assignment`). Who has a
    new vector gets a new row in the embedding. What else the filter may rank by is measured anew among all.
    """
    from comus_core.clustering.centres import cosine_distance

    source = context.workspace.artifact(run, "clustering")
    how = assign_choice(run, None, best=True)

    def write(folder: Path) -> None:
        before, space = tables.read_clusters(source), tables.read_embedding(source)
        ids, raw = tables.read_vectors(vectors.features)
        row_of = {proposal_id: row for row, proposal_id in enumerate(before.proposal_id)}
        old = np.array([row_of.get(p, -1) for p in ids], np.int64)
        cluster = np.where(old >= 0, before.cluster[old], -1).astype(np.int32)
        rows = np.where((old >= 0)[:, None], space.rows[old], 0).astype(np.float32)
        distance = np.where(old >= 0, before.distance[old], 1).astype(np.float32)
        if vectors.encoded is not None:
            found = assign(context.workspace, run, vectors.encoded, how, before.cluster)
            place = {proposal_id: k for k, proposal_id in enumerate(found.proposal_id)}
            fresh = np.flatnonzero(vectors.known < 0)
            at = np.array([place[ids[row]] for row in fresh], np.int64)
            cluster[fresh] = np.where(old[fresh] >= 0, cluster[fresh], found.label[at])
            if found.rows.shape[1] == rows.shape[1]:
                rows[fresh] = found.rows[at]
            there = fresh[cluster[fresh] >= 0]
            distance[there] = cosine_distance(rows[there], space.centres[cluster[there]])
        columns = {"proposal_id": pa.array(ids, pa.string()), "cluster": cluster, "distance": distance}
        columns |= _uncertainties(context, before, raw, rows, cluster)
        pq.write_table(pa.table(columns), folder / TABLE)
        np.save(folder / "embedding.npy", rows)
        with source.reading("spectrum.npz") as file, np.load(file, allow_pickle=False) as spectrum:
            kept = {name: spectrum[name] for name in spectrum.files}
        attached = np.flatnonzero(np.isin(old, kept["attached_rows"]) & (old >= 0))
        kept["attached_rows"] = attached.astype(np.int64)
        if "landmark_rows" in kept:
            kept["landmark_rows"] = np.flatnonzero(np.isin(old, kept["landmark_rows"]) & (old >= 0))
        np.savez(folder / "spectrum.npz", **kept)

    inputs = {"features": vectors.features, "source": source}
    return context.make("clustering", context.key("clustering", {"reused": how}, None, **inputs), None, write)


def _uncertainties(
    context: StageContext, before: tables.ClusterTable, raw: Any, rows: FloatArray, cluster: IntArray
) -> dict[str, FloatArray]:
    """What else the filter may rank by, of what the run's clustering has."""
    from comus_core.clustering.graph import knn_graph, normalise
    from comus_core.clustering.uncertainty import uncertainties

    if not before.alternatives:
        return {}
    settings = context.config.clustering
    graph = knn_graph(normalise(raw, settings.features), settings.neighbours, settings.graph, context.config.seed)
    dense = np.full(len(cluster), -1, np.int32)  # without gaps: a cluster may have lost all its proposals
    dense[cluster >= 0] = np.unique(cluster[cluster >= 0], return_inverse=True)[1]
    measured = uncertainties(rows, dense, graph)
    return {name: values for name, values in measured.items() if name in before.alternatives}
