"""The clustering and projection stages: what is computed over all vectors at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core import run_tables as tables
from comus_core.config import to_dict
from comus_core.stages.context import StageContext
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE


def clustering(context: StageContext, vectors: Artifact, clusters: int) -> Artifact:
    """Clusters, distances and the spectral embedding of the vectors."""
    from comus_core.clustering import cluster

    settings = context.config.clustering

    def write(folder: Path) -> None:
        ids, raw = tables.read_vectors(vectors)
        found = cluster(raw, settings, clusters, context.config.seed)
        table = {"proposal_id": pa.array(ids, pa.string()), "cluster": found.cluster, "distance": found.distance}
        pq.write_table(pa.table(table), folder / TABLE)
        np.save(folder / "embedding.npy", found.embedding)
        np.savez(
            folder / "spectrum.npz",
            centres=found.centres,
            eigenvalues=found.eigenvalues,
            residuals=found.residuals,
            components=found.components,
            attached=found.attached,
            search=found.search,
            precision=found.precision,
        )

    chosen = {**to_dict(settings), "clusters": clusters, "seed": context.config.seed}
    return context.make("clustering", context.key("clustering", chosen, features=vectors), None, write)


def projection(context: StageContext, vectors: Artifact) -> Artifact:
    """t-SNE and UMAP of the vectors, computed once."""
    from comus_core.clustering import normalise
    from comus_core.projection import project

    how, seed = context.config.clustering.features, context.config.seed

    def write(folder: Path) -> None:
        ids, raw = tables.read_vectors(vectors)
        points = normalise(raw, how)
        columns: dict[str, Any] = {"proposal_id": pa.array(ids, pa.string())}
        for method in ("tsne", "umap"):
            flat = project(points, method, seed)
            columns |= {f"{method}_x": flat[:, 0], f"{method}_y": flat[:, 1]}
        pq.write_table(pa.table(columns), folder / TABLE)

    return context.make(
        "projection", context.key("projection", {"features": how, "seed": seed}, features=vectors), None, write
    )
