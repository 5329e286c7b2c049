"""New proposals in a run's clusters or categories: by the vote of their nearest neighbours, or by Nyström."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.config import Assign, FilterBy
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import Categories, by_id
from comus_core.settings import require
from comus_core.stages.context import StageContext
from comus_core.types import BoolMask, FloatArray, IntArray, StrArray
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import TABLE, digest
from comus_core.workspace.decisions import Decisions

# Which of `config.FilterBy` 1 − confidence is: of Nyström the simplified silhouette, of a vote the agreement.
MEASURES: dict[Assign, FilterBy] = {"nystrom": "silhouette", "nearest": "agreement"}


@dataclass(frozen=True, eq=False)
class Assigned:
    """What n new proposals join.

    Attributes:
        proposal_id: (n,) strings.
        label: (n,) int32, of those that the run's proposals have.
        confidence: (n,) float32, see `clustering.assignment` and `clustering.extension`.
        rows: (n, k) by which they were compared: vectors, or rows in the run's embedding.
    """

    proposal_id: StrArray
    label: IntArray
    confidence: FloatArray
    rows: FloatArray


def assign_choice(run: Run, wanted: Assign | None, best: bool = False) -> Assign:
    """How proposals join the clusters of a run: as wanted, else by neighbours, or the `best` way that the run has.

    Raises:
        SettingsError: Nyström is wanted of a run without a spectral embedding of its vectors alone.
    """
    settings = run.config.clustering
    extensible = settings.method == "spectral" and not settings.surroundings
    two_views = settings.method == "spectral" and settings.surroundings
    what = "clusters of two views" if two_views else f"{settings.method} clusters"
    require(
        wanted != "nystrom" or extensible,
        f"assign nystrom: run {run.id} has {what} and no spectral embedding; use nearest",
    )
    return wanted or ("nystrom" if best and extensible else "nearest")


def assign(
    workspace: Workspace, run: Run, vectors: Artifact, how: Assign, label: IntArray, by_hand: BoolMask | None = None
) -> Assigned:
    """Give each new vector a label of the run's proposals: the only way in which something new joins a run.

    `nearest` is the vote of the nearest proposals (`clustering.assignment`), `nystrom` the nearest centre in the run's
    spectral embedding (`clustering.extension`). Every part that a label has of a cluster has a centre: that of the
    cluster if no cluster is under two labels, else the mean of the part's rows. `label` is (m,) of each of the run's
    proposals, rows as in its table of clusters, negative for none; those put somewhere `by_hand` (m,) are left out of
    the means. For `how` see `assign_choice`.
    """
    from comus_core.clustering.assignment import assign_to_nearest
    from comus_core.clustering.extension import nearest_centre, nystrom
    from comus_core.clustering.graph import normalise

    settings = run.config.clustering
    features, clusters = (workspace.artifact(run, kind) for kind in ("features", "clustering"))
    table = tables.read_clusters(clusters)
    known = normalise(tables.vectors_of(features, table.proposal_id), settings.features)
    ids, raw = tables.read_vectors(vectors)
    new = normalise(raw, settings.features)
    if how == "nearest":
        return Assigned(ids, *assign_to_nearest(new, known, label), new)
    space = tables.read_embedding(clusters)
    clustered, embedding, eigenvalues, attached = space.of_graph(known)
    rows = nystrom(new, clustered, embedding, eigenvalues, settings.neighbours, attached)
    free = np.ones(len(label), bool) if by_hand is None else ~by_hand
    labels, centres = _parts(table.cluster, np.where(free, label, -1), space)
    part, confidence = nearest_centre(rows, centres)
    return Assigned(ids, labels[part], confidence, rows)


def _parts(cluster: IntArray, label: IntArray, space: tables.StoredEmbedding) -> tuple[IntArray, FloatArray]:
    """Labels (p,) int32 of the parts that new proposals may join, and their centres (p, k)."""
    some = (cluster >= 0) & (label >= 0)
    pairs = np.stack([cluster[some], label[some]], axis=1)
    parts, part = np.unique(pairs, axis=0, return_inverse=True)
    labels = parts[:, 1].astype(np.int32)
    if len(np.unique(parts[:, 0])) == len(parts):  # no cluster is under two labels
        return labels, space.centres[parts[:, 0]]
    sums = np.zeros((len(parts), space.rows.shape[1]))
    np.add.at(sums, part.ravel(), space.rows[some].astype(np.float64))
    centres: FloatArray = (sums / np.bincount(part.ravel())[:, None]).astype(np.float32)
    return labels, centres


def assignment(context: StageContext, run: Run, vectors: Artifact, how: Assign = "nearest") -> Artifact:
    """The id of the category, as decided, that each new proposal joins, and how sure that is."""
    source, clusters = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))
    table = tables.read_clusters(clusters)
    categories = tables.categories_of(table, context.workspace.decisions_of(run))

    def write(folder: Path) -> None:
        new = assign(context.workspace, run, vectors, how, categories.id_of, categories.by_hand)
        columns = {"proposal_id": pa.array(new.proposal_id, pa.string()), "category": new.label}
        pq.write_table(pa.table(columns | {"confidence": new.confidence}), folder / TABLE)

    settings: dict[str, Any] = {"assign": how}
    if not np.array_equal(categories.id_of, table.cluster):
        settings |= {"category": digest([categories.id_of.tolist(), categories.by_hand.tolist()])}
    key = context.key("assignment", settings, features=vectors, source=source, clustering=clusters)
    return context.make("clustering", key, None, write)


def assigned_categories(
    workspace: Workspace, run: Run, assigned: Artifact, decided: Decisions
) -> tuple[StrArray, Categories]:
    """Proposal ids (n,) of an assignment and their categories; less certain is farther."""
    table = assigned.table(["proposal_id", "category", "confidence"])
    ids, category, confidence = (column.to_numpy() for column in table.columns)
    count = tables.read_clusters(workspace.artifact(run, "clustering")).count
    ids = ids.astype(object)
    return ids, by_id(ids, category, 1 - confidence, count, decided.layout)


def assigned_clusters(context: StageContext, run: Run, vectors: Artifact, how: Assign) -> Artifact:
    """Clusters of a run for other vectors, in the form in which the clustering stage writes its own."""
    from comus_core.clustering.centres import cosine_distance

    features, source = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))

    def write(folder: Path) -> None:
        new = assign(context.workspace, run, vectors, how, tables.read_clusters(source).cluster)
        centres, unsure = tables.read_embedding(source).centres, 1 - new.confidence
        fits = new.rows.shape[1] == centres.shape[1]
        columns = {
            "proposal_id": pa.array(new.proposal_id, pa.string()),
            "cluster": new.label,
            "distance": cosine_distance(new.rows, centres[new.label]) if fits else unsure,
            MEASURES[how]: unsure.astype(np.float32),
        }
        pq.write_table(pa.table(columns), folder / TABLE)
        np.save(folder / "embedding.npy", new.rows.astype(np.float32))
        with source.reading("spectrum.npz") as file, np.load(file, allow_pickle=False) as spectrum:
            kept = {name: spectrum[name] for name in spectrum.files if name != "landmark_rows"}
        np.savez(folder / "spectrum.npz", **{**kept, "attached_rows": np.zeros(0, np.int64)})

    settings: dict[str, Any] = {"assign": how, "told": MEASURES[how]}
    key = context.key("clustering", settings, features=vectors, source=features, clustering=source)
    return context.make("clustering", key, None, write)
