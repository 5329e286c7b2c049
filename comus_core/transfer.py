"""A run's clusters on another data set: its proposals are assigned to them by nearest neighbours or by Nyström."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core import run_tables as tables
from comus_core import stages
from comus_core.config import Assign, Matching, check_choice, require
from comus_core.evaluation.counts import Counts
from comus_core.images.dataset import open_dataset
from comus_core.pipeline import result_json
from comus_core.scoring import RunScores, frozen_matching, score_clusters
from comus_core.stages import StageContext
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import TABLE


def evaluate_on(
    run: Run,
    dataset: str,
    workspace: Workspace,
    *,
    matching: Matching | None = None,
    matching_from: str | None = None,
    assign: Assign = "nearest",
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score round 0 of a run on another data set.

    Every new proposal gets the cluster that most of its nearest neighbours among the run's proposals have, or the one
    whose centre is nearest to its place in the run's spectral embedding; the filter ranks by 1 − confidence.

    Args:
        run: a finished run.
        dataset: the other data set's string.
        matching: `auto`, `hungarian` or `majority`; None is the run's own.
        workspace: where the run is, and where this data set's artifacts go.
        matching_from: a run whose matching is frozen; None matches on the images scored.
        assign: `nearest` or `nystrom`, see `clustering.assignment` and `clustering.extension`.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores").

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: the frozen matching does not fit, or Nyström is asked of a run without a spectral embedding.
    """
    check_choice("matching", matching or run.config.matching, Matching)
    made, context = assigned_to(run, dataset, workspace, assign=assign, device=device, on_progress=on_progress)
    scores = None
    if "counts" in made:
        counts, classes = tables.read_counts(made["counts"]), context.dataset.truth.classes  # type: ignore[union-attr]
        scores = _scores(workspace, run, made["assignment"], counts, classes, matching, matching_from)
    count = tables.read_clusters(workspace.artifact(run, "clustering")).count
    return result_json(run, context, made, count, scores)


def assigned_to(
    run: Run,
    dataset: str,
    workspace: Workspace,
    *,
    assign: Assign = "nearest",
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> tuple[dict[str, Artifact], StageContext]:
    """The images, proposals, features and `assignment` of another data set, and its `counts` with ground truth.

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: Nyström is asked of a run without a spectral embedding.
    """
    from comus_core.device import choose_device

    check_choice("assign", assign, Assign)
    if assign == "nystrom":
        method = run.config.clustering.method
        require(method == "spectral", f"--assign nystrom: run {run.id} has {method} clusters; use --assign nearest")
    other = open_dataset(dataset, workspace.drawings)
    config = replace(run.config, dataset=other.spec)
    context = StageContext(workspace, other, config, choose_device(device), on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    found = stages.proposals(context, images, stages.soft_maps(context, images))
    vectors = stages.features(context, found)
    assigned = _assignment(context, run, vectors, assign)
    made = {"images": images, "proposals": found, "features": vectors, "assignment": assigned}
    if other.truth is not None:
        made["counts"] = stages.counts(context, images, found)
    return made, context


def _assignment(context: StageContext, run: Run, vectors: Artifact, assign: Assign) -> Artifact:
    from comus_core.clustering import assign_by_nystrom, assign_to_nearest, normalise

    source, clusters = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))

    def write(folder: Path) -> None:
        known_ids, known = tables.read_vectors(source)
        table = tables.read_clusters(clusters)
        ids, new = tables.read_vectors(vectors)
        how = context.config.clustering.features
        new, known = normalise(new, how), normalise(known, how)
        if assign == "nearest":
            cluster_of = dict(zip(table.proposal_id, table.cluster.tolist(), strict=True))
            labels = np.array([cluster_of.get(i, -1) for i in known_ids], np.int32)
            cluster, confidence = assign_to_nearest(new, known, labels)
        else:
            row_of = {proposal_id: row for row, proposal_id in enumerate(known_ids)}
            known = known[[row_of[i] for i in table.proposal_id]]
            found, neighbours = tables.read_embedding(clusters), context.config.clustering.neighbours
            rest = (found.centres, neighbours, found.attached)
            cluster, confidence = assign_by_nystrom(new, known, found.rows, found.eigenvalues, *rest)
        columns = {"proposal_id": pa.array(ids, pa.string()), "cluster": cluster, "confidence": confidence}
        pq.write_table(pa.table(columns), folder / TABLE)

    key = context.key("assignment", {"assign": assign}, features=vectors, source=source, clustering=clusters)
    return context.make("clustering", key, None, write)


def assigned_clusters(workspace: Workspace, run: Run, assigned: Artifact) -> tables.ClusterTable:
    """An assignment as the clusters of the run; the distance is 1 − confidence."""
    table = assigned.table(["proposal_id", "cluster", "confidence"])
    ids, cluster, confidence = (column.to_numpy() for column in table.columns)
    count = tables.read_clusters(workspace.artifact(run, "clustering")).count
    return tables.ClusterTable(ids.astype(object), cluster, 1 - confidence, count)


def _scores(
    workspace: Workspace,
    run: Run,
    assigned: Artifact,
    counts: Counts,
    classes: tuple[str, ...],
    matching: Matching | None,
    matching_from: str | None,
) -> RunScores:
    rows = assigned_clusters(workspace, run, assigned)
    frozen = frozen_matching(workspace, matching_from, rows.count, classes) if matching_from else None
    decided = replace(workspace.decisions_of(run), filter_by="distance")  # here 1 - confidence
    return score_clusters(counts, rows, decided, classes, matching or run.config.matching, frozen)
