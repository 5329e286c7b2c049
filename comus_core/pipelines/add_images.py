"""New images for the clusters of a run: assigned to them, not clustered again, as a run beside it.

The run itself stays as it is, with its scores and trainings. The new one shares its clusters, and begins with its
names, merges, rejections and filter; every page shows it as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core import stages
from comus_core.config import Assign, FilterBy
from comus_core.curation.merged_centre import Member, joined_members
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.pipelines.discover import new_run, note_artifacts, prints, result_json, with_artifacts
from comus_core.pipelines.verb_settings import AddSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.label_map import REJECTED
from comus_core.scoring.run_scores import score_run
from comus_core.settings import require
from comus_core.stages import StageContext
from comus_core.types import FloatArray, IntArray, OnProgress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import TABLE, digest
from comus_core.workspace.decisions import Decisions, Event
from comus_core.workspace.layout import packed

# What of `config.FilterBy` a confidence is: Nyström's the simplified silhouette, the vote's the neighbours' agreement.
TOLD: dict[Assign, FilterBy] = {"nystrom": "silhouette", "nearest": "agreement"}


def add_images(
    run: Run,
    workspace: Workspace,
    settings: AddSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_run: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Find the proposals of new images, and give each the cluster of the run that it fits best.

    By Nyström that is the nearest centre in the run's spectral embedding (`clustering.extension`), else the vote of the
    nearest proposals (`clustering.assignment`). The filter ranks them by the cosine distance to the own centre, or by
    what the way of assigning tells (`TOLD`); of the rest of what a run's filter may rank by nothing is known here.

    Args:
        run: with clusters.
        workspace: where the run is, and where the new one goes.
        settings: the data set of the new images, and how they are assigned.
        device: as in `discover`.
        on_progress: as in `discover`; raising `Cancelled` there stops, and the same call goes on from there.
        on_run: told of the new run as soon as its id is known.

    Returns:
        The new run, done; the same images added again are the same run.

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: Nyström is asked of a run without a spectral embedding, or the run was itself added to another.
        WorkspaceError: the run has no clusters yet.
    """
    from comus_core.device import choose_device

    dataset, assign = settings.dataset, settings.assign
    older = run.provenance.get("added_to")
    require(older is None, f"run {run.id} was itself added: add to {older} itself, whose clusters these are")
    source = workspace.artifact(run, "clustering")
    spectral = run.config.clustering.method == "spectral"
    how: Assign = assign or ("nystrom" if spectral else "nearest")
    require(how == "nearest" or spectral, f"assign nystrom: run {run.id} has no spectral clusters; use nearest")
    other = open_dataset(dataset, workspace.drawings, run.config.truth)
    config = replace(run.config, dataset=absolute(other.spec))
    context = StageContext(workspace, other, config, choose_device(device), on_progress)
    row = new_run(context)
    plus = digest([source.fingerprint, row.provenance["manifest"], row.provenance["truth"], how])[:8]
    provenance = {**row.provenance, "added_to": run.id, "assign": how}
    row = replace(row, id=f"{run.id}-plus-{plus}", name=f"{run.name} + {other.name}", provenance=provenance)
    with workspace.attempts.attempt(row.id, workspace.runs.end):
        added = workspace.runs.begin(row)
        on_run(added)
        added, made = _stages(context, run, added, how)
        scores = score_run(workspace, added) if "counts" in made else None
        clusters = tables.read_clusters(source).count
        result = result_json(added, context, made, clusters, scores)
        return workspace.runs.finish(added.id, prints(made), result, provenance if context.computed else {})


def _stages(context: StageContext, run: Run, added: Run, how: Assign) -> tuple[Run, dict[str, Artifact]]:
    note_artifacts(context, added)
    made: dict[str, Artifact] = {}

    def keep(kind: str, artifact: Artifact) -> None:
        nonlocal added
        made[kind] = artifact
        added = with_artifacts(added, made)

    keep("images", stages.check_images(context))
    images = made["images"]
    stages.require_usable(context, images)
    stages.check_truth(context, images)
    keep("soft_maps", stages.soft_maps(context, images))
    keep("proposals", stages.proposals(context, images, made["soft_maps"]))
    keep("features", stages.features(context, made["proposals"]))
    keep("proposals", stages.with_features(context, made["proposals"], made["features"]))
    keep("clustering", assigned_clusters(context, run, made["features"], how))
    keep("projection", stages.projection(context, made["features"]))
    decided = _begin_with(context.workspace, run, added, how)
    keep("pseudo_masks", stages.pseudo_masks(context, made, decided))
    if context.dataset.truth is not None:
        keep("counts", stages.counts(context, images, made["proposals"]))
    return added, made


def assigned_clusters(context: StageContext, run: Run, vectors: Artifact, how: Assign) -> Artifact:
    """Clusters of a run for other vectors, in the form in which the clustering stage writes its own."""
    from comus_core.clustering import assign_to_nearest, normalise
    from comus_core.clustering.centres import cosine_distance
    from comus_core.clustering.extension import nearest_centre, nystrom

    features, source = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))
    settings = context.config.clustering

    def write(folder: Path) -> None:
        table, found = tables.read_clusters(source), tables.read_embedding(source)
        known_ids, known = tables.read_vectors(features)
        row_of = {proposal_id: row for row, proposal_id in enumerate(known_ids)}
        known = normalise(known[[row_of[i] for i in table.proposal_id]], settings.features)
        ids, raw = tables.read_vectors(vectors)
        new = normalise(raw, settings.features)
        rows: FloatArray
        cluster: IntArray
        if how == "nystrom":
            rows = nystrom(new, known, found.rows, found.eigenvalues, settings.neighbours, found.attached)
            cluster, confidence = nearest_centre(rows, found.centres)
        else:
            rows = new
            cluster, confidence = assign_to_nearest(new, known, table.cluster)
        fits = rows.shape[1] == found.centres.shape[1]
        distance = cosine_distance(rows, found.centres[cluster]) if fits else 1 - confidence
        columns = {"proposal_id": pa.array(ids, pa.string()), "cluster": cluster, "distance": distance}
        columns[TOLD[how]] = (1 - confidence).astype(np.float32)
        pq.write_table(pa.table(columns), folder / TABLE)
        np.save(folder / "embedding.npy", rows.astype(np.float32))
        with source.reading("spectrum.npz") as file, np.load(file) as spectrum:
            kept = {name: spectrum[name] for name in spectrum.files}
        np.savez(folder / "spectrum.npz", **{**kept, "attached_rows": np.zeros(0, np.int64)})

    key = context.key(
        "clustering", {"assign": how, "told": TOLD[how]}, features=vectors, source=features, clustering=source
    )
    return context.make("clustering", key, None, write)


def _begin_with(workspace: Workspace, run: Run, added: Run, how: Assign) -> Decisions:
    """What is decided in the new run; at first what is decided in the run that it was added to."""
    log, clustering = workspace.decisions, added.artifacts["clustering"]
    source, decided = workspace.artifact(run, "clustering"), workspace.decisions_of(run)
    members = joined_members(source, decided, workspace.artifact(added, "clustering"))
    events = inherited(decided, tables.read_clusters(source).count, how, members)
    first = [(event.kind, event.payload) for event in events]
    return log.append_all(added.id, clustering, lambda now: first if now.version == 0 else [])


def inherited(
    decided: Decisions, clusters: int, how: Assign, members: Mapping[int, Sequence[Member]] | None = None
) -> list[Event]:
    """The decisions that lead to the same filter, names, merges and rejections of K clusters.

    `members` are the new proposals of each merged category with their distance to its centre, where they have one.
    Splits and moves are about single proposals, of which the new images have none: what was split off is left out, and
    a part that kept its id stands for the whole. A filter that ranks by what is not known of new images (`TOLD`) ranks
    them by the distance.
    """
    layout = decided.layout
    wholes: dict[int, list[int]] = {}
    for gone, now in layout.into.items():
        if gone < clusters and now < clusters:
            wholes.setdefault(now, []).append(gone)
    first: dict[str, Any] = {"percent": decided.filter_percent}
    first |= {"by": decided.filter_by} if decided.filter_by == TOLD[how] else {}
    told: list[tuple[str, dict[str, Any]]] = [("filter", first)]
    for now, parts in sorted(wholes.items()):
        measured = {"members": packed(members[now])} if members and now in members else {}
        told.append(("merge", {"categories": sorted([now, *parts]), **measured}))
    told += [("filter", {"percent": p, "cluster": k}) for k, p in decided.cluster_percent.items() if k < clusters]
    told += [("rename", {"cluster": k, "name": name}) for k, name in decided.names.items() if k < clusters]
    gone_ids = sorted(k for k in layout.rejected if REJECTED < k < clusters)
    told += [("reject", {"categories": gone_ids})] if gone_ids else []
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [Event(number, at, kind, payload) for number, (kind, payload) in enumerate(told, 1)]
