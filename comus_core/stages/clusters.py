"""The clustering and projection stages: what is computed over all vectors at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.clustering.blocks import Blocks
from comus_core.config import NumberBy, RunConfig
from comus_core.files.atomic import write_json
from comus_core.machine.room import hold_blas_buffers
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.stages.blocks import sharded_blocks
from comus_core.stages.context import VERSIONS, StageContext
from comus_core.types import MAP_METHODS, IntArray, Progress
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import TABLE

HOW_MANY_SETTINGS = ("method", "features", "neighbours", "graph", "small_components", "umap", "number_by")
CHEAP: tuple[NumberBy, ...] = ("stability", "eigengap", "leiden")  # the curves that every automatic number comes with


def clustering(context: StageContext, vectors: Artifact, clusters: int, beside: Artifact | None = None) -> Artifact:
    """Clusters, distances and what else the filter may rank by, and the spectral embedding of the vectors.

    Of very many vectors, or where `clustering.landmarks` says so, some are clustered and the rest joins them. `beside`
    are vectors of the same proposals seen in another way, whose graph is added; None for the paper's graph.
    """
    from comus_core.clustering.clusters import cluster
    from comus_core.clustering.graph import knn_graph, normalise
    from comus_core.clustering.landmarks import landmark_count
    from comus_core.clustering.uncertainty import uncertainties

    settings = context.config.clustering
    wanted = max(clusters, settings.over_clusters)
    count = tables.vector_count(vectors)
    landmarks = landmark_count(count, settings, wanted, one_view=beside is None)

    def write(folder: Path) -> None:
        hold_blas_buffers()
        with sharded_blocks(folder, "clustering", context.on_progress) as blocks:
            write_with(folder, blocks)

    def write_with(folder: Path, blocks: Blocks) -> None:
        ids, raw = tables.read_vectors(vectors)
        others = None if beside is None else tables.vectors_of(beside, ids)
        result = cluster(raw, settings, clusters, context.config.seed, beside=others, blocks=blocks)
        table = {"proposal_id": pa.array(ids, pa.string()), "cluster": result.cluster, "distance": result.distance}
        graph, measures = result.graph, dict(result.measures)
        if graph is None:
            points = normalise(raw, settings.features)
            graph = knn_graph(points, settings.neighbours, settings.graph, context.config.seed, blocks)
        table |= measures or uncertainties(result.embedding, result.cluster, graph)
        pq.write_table(pa.table(table), folder / TABLE)
        np.save(folder / "embedding.npy", result.embedding)
        spectrum: dict[str, Any] = {
            "centres": result.centres,
            "eigenvalues": result.eigenvalues,
            "residuals": result.residuals,
            "components": result.components,
            "attached": result.attached,
            "attached_rows": result.attached_rows,
            "search": result.search,
            "precision": result.precision,
        }
        np.savez(folder / "spectrum.npz", **spectrum | _landmark_rows(result.landmarks))

    values = {**to_dict(settings), "clusters": clusters, "seed": context.config.seed}
    if landmarks == count:  # all are clustered, whatever the setting: as before there was one
        del values["landmarks"]
    else:
        values["landmarks"] = landmarks
    inputs = {"beside": beside} if beside is not None else {}
    return context.make("clustering", context.key("clustering", values, None, features=vectors, **inputs), None, write)


def _landmark_rows(rows: IntArray | None) -> dict[str, Any]:
    """What the spectrum holds of landmarks; nothing where all proposals were clustered, as before there were any."""
    return {} if rows is None else {"landmark_rows": rows}


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


def silhouettes(context: StageContext, vectors: Artifact, most: int | None = None) -> Artifact:
    """The silhouette after UMAP over numbers of clusters, the largest of them `most`; read by `read_how_many`."""
    config = context.config

    def write(folder: Path) -> None:
        from comus_core.clustering.choosing import silhouette_alone

        hold_blas_buffers()
        found = silhouette_alone(tables.read_vectors(vectors)[1], config.clustering, config.seed, most)
        write_json(folder / tables.HOW_MANY, found.to_json())

    values = {name: value for name, value in to_dict(config.clustering).items() if name in ("features", "umap")}
    key = context.key("silhouettes", values | {"seed": config.seed, "most": most}, features=vectors)
    return context.make("clustering", key, None, write)


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
