"""A run's clusters on another data set: its proposals are assigned to them by nearest neighbours or by Nyström."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core import stages
from comus_core.config import Assign, Matching
from comus_core.datasets.dataset import open_dataset
from comus_core.pipelines.discover import result_json
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import Categories, by_id
from comus_core.scoring.run_scores import frozen_matching, score_categories
from comus_core.settings import check_choice, require
from comus_core.stages import StageContext
from comus_core.types import FloatArray, IntArray, OnProgress, StrArray, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import TABLE, digest
from comus_core.workspace.decisions import Decisions


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

    Every new proposal gets the category, as decided, that most of its nearest neighbours among the run's proposals
    have; or by Nyström that of the nearest centre in the run's spectral embedding (`assigned_to`). Rejected categories
    take part and count as background. The filter ranks by 1 − confidence, whatever it ranks the run's proposals by.

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
    decided, scores = workspace.decisions_of(run), None
    if context.dataset.truth is not None:
        counts, classes = tables.read_counts(made["counts"]), context.dataset.truth.classes
        ids, found = assigned_categories(workspace, run, made["assignment"], decided)
        mode = matching or run.config.matching
        frozen = frozen_matching(workspace, matching_from, len(found.ids), classes) if matching_from else None
        scores = score_categories(counts, ids, found, decided, classes, mode, frozen)
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

    By Nyström, where a person moved or split, every part that a category has of a cluster counts as a cluster, with the
    mean of its rows as centre; what was moved by hand is left out of these means.

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: Nyström is asked of a run without a spectral embedding.
    """
    from comus_core.device import choose_device

    check_choice("assign", assign, Assign)
    if assign == "nystrom":
        method = run.config.clustering.method
        require(method == "spectral", f"--assign nystrom: run {run.id} has {method} clusters; use --assign nearest")
    other = open_dataset(dataset, workspace.drawings, run.config.truth)
    config = replace(run.config, dataset=other.spec)
    context = StageContext(workspace, other, config, choose_device(device), on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    stages.check_truth(context, images)
    found = stages.proposals(context, images, stages.soft_maps(context, images))
    vectors = stages.features(context, found)
    found = stages.with_features(context, found, vectors)
    assigned = assignment(context, run, vectors, assign)
    made = {"images": images, "proposals": found, "features": vectors, "assignment": assigned}
    if other.truth is not None:
        made["counts"] = stages.counts(context, images, found)
    return made, context


def assignment(context: StageContext, run: Run, vectors: Artifact, assign: Assign = "nearest") -> Artifact:
    """The id of the category, as decided, that each new proposal joins, and how sure that is."""
    from comus_core.clustering import assign_by_nystrom, assign_to_nearest, normalise

    source, clusters = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))
    table = tables.read_clusters(clusters)
    categories = tables.categories_of(table, context.workspace.decisions_of(run))

    def write(folder: Path) -> None:
        known_ids, known = tables.read_vectors(source)
        ids, new = tables.read_vectors(vectors)
        how, neighbours = context.config.clustering.features, context.config.clustering.neighbours
        new, known = normalise(new, how), normalise(known, how)
        if assign == "nearest":
            category_of = dict(zip(table.proposal_id, categories.id_of.tolist(), strict=True))
            labels = np.array([category_of.get(i, -1) for i in known_ids], np.int32)
            category, confidence = assign_to_nearest(new, known, labels)
        else:
            row_of = {proposal_id: row for row, proposal_id in enumerate(known_ids)}
            known, found = known[[row_of[i] for i in table.proposal_id]], tables.read_embedding(clusters)
            own, centres = _parts(table, categories, found)
            options = (found.eigenvalues, centres, neighbours, found.attached)
            part, confidence = assign_by_nystrom(new, known, found.rows, *options)
            category = own[part]
        columns = {"proposal_id": pa.array(ids, pa.string()), "category": category, "confidence": confidence}
        pq.write_table(pa.table(columns), folder / TABLE)

    chosen: dict[str, Any] = {"assign": assign}
    if not np.array_equal(categories.id_of, table.cluster):
        chosen |= {"category": digest([categories.id_of.tolist(), categories.by_hand.tolist()])}
    key = context.key("assignment", chosen, features=vectors, source=source, clustering=clusters)
    return context.make("clustering", key, None, write)


def _parts(
    table: tables.ClusterTable, categories: Categories, embedding: tables.StoredEmbedding
) -> tuple[IntArray, FloatArray]:
    """Ids (m,) of the categories of what new proposals may join, and their centres (m, k)."""
    asked = (table.cluster >= 0) & (categories.id_of >= 0) & ~categories.by_hand
    pairs = np.stack([table.cluster[asked], categories.id_of[asked]], axis=1)
    parts, part = np.unique(pairs, axis=0, return_inverse=True)
    if np.array_equal(parts[:, 0], np.arange(table.count)):  # no cluster is in two categories
        return parts[:, 1].astype(np.int32), embedding.centres
    sums = np.zeros((len(parts), embedding.rows.shape[1]))
    np.add.at(sums, part.ravel(), embedding.rows[asked].astype(np.float64))
    centres: FloatArray = (sums / np.bincount(part.ravel())[:, None]).astype(np.float32)
    return parts[:, 1].astype(np.int32), centres


def assigned_categories(
    workspace: Workspace, run: Run, assigned: Artifact, decided: Decisions
) -> tuple[StrArray, Categories]:
    """Proposal ids (n,) of an assignment and their categories; less certain is farther."""
    table = assigned.table(["proposal_id", "category", "confidence"])
    ids, category, confidence = (column.to_numpy() for column in table.columns)
    count = tables.read_clusters(workspace.artifact(run, "clustering")).count
    ids = ids.astype(object)
    return ids, by_id(ids, category, 1 - confidence, count, decided.layout)
