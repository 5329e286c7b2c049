"""A small collection's proposals clustered anew in smaller neighbourhoods, for what self-training learns.

The paper's graph joins each proposal to 30 (method 1.3), which for its 1,449 images and 20 clusters is less than half
a cluster. In a smaller collection 30 reach beyond a cluster and join proposals of different categories: 2 to 3 points
of mIoU on 500 VOC images (`docs/results.md`). To these neighbours come those by what is around a proposal: two objects
that look alike in like places. A run's own clusters stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.clustering.counterparts import counterparts
from comus_core.errors import WorkspaceError
from comus_core.runs import artifact_readers as tables
from comus_core.stages.clusters import clustering
from comus_core.stages.context import StageContext
from comus_core.stages.vectors import surroundings
from comus_core.workspace import Artifact, Run
from comus_core.workspace.artifacts import TABLE

LEAST = 8  # neighbours, the point itself among them: fewer cut clusters into pieces


def neighbours_for(proposals: int, clusters: int) -> int:
    """Half a mean cluster: neighbourhoods that mostly stay inside one."""
    return max(LEAST, proposals // (2 * clusters))


def smaller_neighbourhoods(run: Run, clusters: tables.ClusterTable) -> int | None:
    """How many neighbours a run's graph should have had, the point itself among them; None where it may stay as it is.

    It may where its neighbourhoods are no larger than half a mean cluster, where clusters were not made of a graph's
    eigenvectors, and where the images were added to the clusters of another run, which were made without them.
    """
    few, settings = neighbours_for(len(clusters.proposal_id), clusters.count), run.config.clustering
    own = settings.method == "spectral" and "added_to" not in run.provenance
    return few if own and few < settings.neighbours else None


def regrouped(context: StageContext, run: Run, share: float = 0.0) -> Artifact:
    """The run's clustering in smaller neighbourhoods, each cluster numbered as the run's that it shares most with.

    The run's own clustering comes back where it may stay as it is (`smaller_neighbourhoods`). A `share` above 0 joins
    to each proposal's neighbours by its crop those by the crop with so much of its sides added, by what is around it.
    """
    vectors, own = (context.workspace.artifact(run, kind) for kind in ("features", "clustering"))
    before = tables.read_clusters(own)
    few = smaller_neighbourhoods(run, before)
    if few is None:
        return own
    around = surroundings(context, context.workspace.artifact(run, "proposals"), share)
    config = replace(run.config, clustering=replace(run.config.clustering, neighbours=few, landmarks=0))
    anew = clustering(replace(context, config=config), vectors, before.count, around)

    def write(folder: Path) -> None:
        table = anew.table()
        after = table.column("cluster").to_numpy()
        if table.column("proposal_id").to_pylist() != before.proposal_id.tolist():
            raise WorkspaceError(f"run {run.id}: its clusters and its features are of other proposals; run it again")
        number, _ = counterparts(before.cluster, after, (before.count, before.count))
        cluster = pa.array(np.append(number, np.int32(-1))[after], pa.int32())
        pq.write_table(table.set_column(table.column_names.index("cluster"), "cluster", cluster), folder / TABLE)
        with anew.reading("spectrum.npz") as file, np.load(file, allow_pickle=False) as spectrum:
            new = spectrum["centres"]
        centres = np.zeros((before.count, new.shape[1]), new.dtype)
        centres[number[: len(new)]] = new
        np.savez(folder / "spectrum.npz", centres=centres)

    return context.make("clustering", context.key("regrouping", {}, clustering=anew, numbered_as=own), None, write)
