"""A run whose images hold several proposals: some masks cut in two, both halves in the cluster of the whole."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.datasets.dataset import open_dataset
from comus_core.proposals.table import concatenate, proposals_of
from comus_core.runs.run_view import open_run_view
from comus_core.stages import StageContext, counts
from comus_core.types import no_progress
from comus_core.workspace import ArtifactKey
from comus_core.workspace.artifacts import TABLE


def halved(view, images=3):
    """The run opened once more; in its first images the mask of `#0` is the left half, that of `#1` the right."""
    store, chosen, parts = view.workspace.artifacts, list(view.rows_of_image)[:images], []
    for image_id, rows in view.rows_of_image.items():
        if image_id not in chosen:
            parts.append(view.proposals[np.array(rows)])
            continue
        whole = view.proposals.mask(rows[0])
        left = whole & (np.arange(whole.shape[1]) <= np.median(np.nonzero(whole)[1]))
        parts.append(proposals_of(image_id, [left, whole & ~left], [0.9, 0.8]))
    clusters = view.workspace.artifact(view.run, "clustering")

    def write_clusters(folder):
        known = clusters.table()
        twins = known.filter(pa.compute.is_in(known.column("proposal_id"), pa.array([f"{i}#0" for i in chosen])))
        ids = pa.array([p.replace("#0", "#1") for p in twins.column("proposal_id").to_pylist()], pa.string())
        twins = twins.set_column(twins.schema.get_field_index("proposal_id"), "proposal_id", ids)
        pq.write_table(pa.concat_tables([known, twins]), folder / TABLE)
        shutil.copy(clusters.file("spectrum.npz"), folder / "spectrum.npz")

    def write_proposals(folder):
        pq.write_table(concatenate(parts).to_table(), folder / TABLE)

    made = {
        "proposals": store.make(ArtifactKey("proposals", 98), write_proposals),
        "clustering": store.make(ArtifactKey("clustering", 98), write_clusters),
    }
    context = StageContext(
        view.workspace,
        open_dataset(view.run.config.dataset, view.workspace.drawings),
        view.run.config,
        "cpu",
        no_progress,
    )
    made["counts"] = counts(context, view.workspace.artifact(view.run, "images"), made["proposals"])
    run = replace(view.run, artifacts=view.run.artifacts | {kind: a.fingerprint for kind, a in made.items()})
    return open_run_view(view.workspace, run)
