"""A run's clusters on another data set: its proposals are assigned to them by their nearest neighbours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core import run_tables as tables
from comus_core import stages
from comus_core.categories import Categories, by_id
from comus_core.config import Matching, check_choice
from comus_core.images.dataset import open_dataset
from comus_core.pipeline import result_json
from comus_core.scoring import frozen_matching, score_categories
from comus_core.stages import StageContext
from comus_core.types import OnProgress, StrArray, no_progress
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
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score round 0 of a run on another data set.

    Every new proposal gets the category, as decided, that most of its nearest neighbours among the run's proposals
    have; rejected categories vote too, and count as background. The filter ranks by 1 − confidence of that vote,
    since the new proposals have no place in the run's embedding.

    Args:
        run: a finished run.
        dataset: the other data set's string.
        matching: `auto`, `hungarian` or `majority`; None is the run's own.
        workspace: where the run is, and where this data set's artifacts go.
        matching_from: a run whose matching is frozen; None matches on the images scored.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores").

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: the frozen matching does not fit.
    """
    from comus_core.device import choose_device

    check_choice("matching", matching or run.config.matching, Matching)
    other = open_dataset(dataset, workspace.drawings)
    config = replace(run.config, dataset=other.spec)
    context = StageContext(workspace, other, config, choose_device(device), on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    found = stages.proposals(context, images, stages.soft_maps(context, images))
    vectors = stages.features(context, found)
    table, decided = tables.read_clusters(workspace.artifact(run, "clustering")), workspace.decisions_of(run)
    assigned = _assignment(context, run, vectors, table, decided)
    made = {"images": images, "proposals": found, "features": vectors, "assignment": assigned}
    scores = None
    if other.truth is not None:
        counts = tables.read_counts(stages.counts(context, images, found))
        ids, voted = _categories(assigned, table.count, decided)
        classes, mode = other.truth.classes, matching or run.config.matching
        frozen = frozen_matching(workspace, matching_from, len(voted.ids), classes) if matching_from else None
        scores = score_categories(counts, ids, voted, decided, classes, mode, frozen)
    return result_json(run, context, made, table.count, scores)


def _assignment(
    context: StageContext, run: Run, vectors: Artifact, table: tables.ClusterTable, decided: Decisions
) -> Artifact:
    from comus_core.clustering import assign_to_nearest, normalise

    source, clusters = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))
    id_of = tables.categories_of(table, decided).id_of

    def write(folder: Path) -> None:
        known_ids, known = tables.read_vectors(source)
        category_of = dict(zip(table.proposal_id, id_of.tolist(), strict=True))
        labels = np.array([category_of.get(i, -1) for i in known_ids], np.int32)
        ids, new = tables.read_vectors(vectors)
        how = context.config.clustering.features
        cluster, confidence = assign_to_nearest(normalise(new, how), normalise(known, how), labels)
        columns = {"proposal_id": pa.array(ids, pa.string()), "cluster": cluster, "confidence": confidence}
        pq.write_table(pa.table(columns), folder / TABLE)

    chosen = {} if np.array_equal(id_of, table.cluster) else {"category": digest(id_of.tolist())}
    key = context.key("assignment", chosen, features=vectors, source=source, clustering=clusters)
    return context.make("clustering", key, None, write)


def _categories(assigned: Artifact, clusters: int, decided: Decisions) -> tuple[StrArray, Categories]:
    """Proposal ids (n,) and their categories; less certain is farther."""
    table = assigned.table()
    ids, voted, confidence = (c.to_numpy() for c in table.select(["proposal_id", "cluster", "confidence"]).columns)
    ids = ids.astype(object)
    return ids, by_id(ids, voted, 1 - confidence, clusters, decided.layout)
