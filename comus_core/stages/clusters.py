"""The clustering and projection stages: what is computed over all vectors at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.config import NumberBy, RunConfig
from comus_core.files.atomic import write_json
from comus_core.machine.room import hold_blas_buffers
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.stages.context import VERSIONS, StageContext
from comus_core.types import MAP_METHODS, Progress
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import TABLE

HOW_MANY_SETTINGS = ("method", "features", "neighbours", "graph", "small_components", "umap", "number_by")
CHEAP: tuple[NumberBy, ...] = ("stability", "eigengap", "leiden")  # the curves that every automatic number comes with


def clustering(context: StageContext, vectors: Artifact, clusters: int, beside: Artifact | None = None) -> Artifact:
    """Clusters, distances and what else the filter may rank by, and the spectral embedding of the vectors.

    `beside` are vectors of the same proposals seen in another way, whose graph is added; None for the paper's graph.
    """
    from comus_core.clustering.clusters import cluster
    from comus_core.clustering.graph import knn_graph, normalise
    from comus_core.clustering.uncertainty import uncertainties

    settings = context.config.clustering

    def write(folder: Path) -> None:
        hold_blas_buffers()
        ids, raw = tables.read_vectors(vectors)
        others = None if beside is None else tables.vectors_of(beside, ids)
        result = cluster(raw, settings, clusters, context.config.seed, beside=others)
        table = {"proposal_id": pa.array(ids, pa.string()), "cluster": result.cluster, "distance": result.distance}
        graph = result.graph
        if graph is None:
            points = normalise(raw, settings.features)
            graph = knn_graph(points, settings.neighbours, settings.graph, context.config.seed)
        table |= uncertainties(result.embedding, result.cluster, graph)
        pq.write_table(pa.table(table), folder / TABLE)
        np.save(folder / "embedding.npy", result.embedding)
        np.savez(
            folder / "spectrum.npz",
            centres=result.centres,
            eigenvalues=result.eigenvalues,
            residuals=result.residuals,
            components=result.components,
            attached=result.attached,
            attached_rows=result.attached_rows,
            search=result.search,
            precision=result.precision,
        )

    values = {**to_dict(settings), "clusters": clusters, "seed": context.config.seed}
    inputs = {"beside": beside} if beside is not None else {}
    return context.make("clustering", context.key("clustering", values, None, features=vectors, **inputs), None, write)


def how_many(context: StageContext, vectors: Artifact) -> Artifact:
    """The curves of which `auto` takes the number of clusters."""
    key, write = how_many_work(
        vectors,
        context.config,
        lambda done, total: context.on_progress(Progress("clustering", done, total)),
    )
    return context.make("clustering", key, None, write, announce=False)


def how_many_work(
    vectors: Artifact,
    config: RunConfig,
    tick: Callable[[int, int], None],
    most: int | None = None,
    names: Collection[NumberBy] = CHEAP,
) -> tuple[ArtifactKey, Callable[[Path], None]]:
    """The key of the curves and the work that makes them; `most` is the largest number tried, `names` the curves."""
    settings = config.clustering

    def write(folder: Path) -> None:
        from comus_core.clustering.choosing import how_many as suggest

        hold_blas_buffers()
        estimate = suggest(tables.read_vectors(vectors)[1], settings, config.seed, most, tick, names)
        write_json(folder / tables.HOW_MANY, estimate.to_json())

    values = {k: v for k, v in to_dict(settings).items() if k in HOW_MANY_SETTINGS}
    values |= {"seed": config.seed, "most": most, "curves": sorted({*names, settings.number_by})}
    return ArtifactKey("how_many", VERSIONS["how_many"], values, {"features": vectors.fingerprint}), write


def projection(context: StageContext, vectors: Artifact) -> Artifact:
    """t-SNE, UMAP and PCA of the vectors, computed once."""
    from comus_core.clustering.graph import normalise
    from comus_core.clustering.projection import project

    how, seed = context.config.clustering.features, context.config.seed

    def write(folder: Path) -> None:
        hold_blas_buffers()
        ids, raw = tables.read_vectors(vectors)
        points = normalise(raw, how)
        columns: dict[str, Any] = {"proposal_id": pa.array(ids, pa.string())}
        for method in MAP_METHODS:
            flat = project(points, method, seed)
            columns |= {f"{method}_x": flat[:, 0], f"{method}_y": flat[:, 1]}
        pq.write_table(pa.table(columns), folder / TABLE)

    return context.make(
        "projection", context.key("projection", {"features": how, "seed": seed}, features=vectors), None, write
    )
