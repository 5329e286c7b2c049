"""A finished run of any size over the demo's drawn scenes: what the app is measured on. No torch, no training.

Every image id has a photograph, a mask and counts of its own rows, as a run of that size has; only the files behind
the ids repeat, since drawing 100,000 pictures would measure the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.lib.format import open_memmap
from PIL import Image
from scipy.sparse import csr_array

from comus_core.config import make_config
from comus_core.datasets.dataset import open_dataset
from comus_core.evaluation.counts import Counts
from comus_core.proposals.table import SCHEMA, proposals_of
from comus_core.runs.run_round import RunRound
from comus_core.scoring.round_scores import score_round
from comus_core.scoring.score_json import score_json
from comus_core.workspace import ArtifactKey, Run, Workspace, open_workspace
from comus_core.workspace.artifacts import TABLE
from comus_core.workspace.grouped import write_grouped
from comus_core.workspace.shards import SHARD_SIZE

CLASSES, CLUSTERS = 81, 80
DRAWN = 60  # different photographs
PART = 65_536  # rows of counts or of the embedding held dense at a time
AT_ONCE = ("clustering", "projection")


def large_run(folder: Path, n: int, seed: int = 0) -> tuple[Workspace, Run]:
    """A workspace in `folder` with one finished run: n images, n proposals, 80 clusters, 81 classes, a map."""
    workspace = open_workspace(folder)
    rng = np.random.default_rng(seed)
    image_ids = [f"photo-{k:07d}.jpg" for k in range(n)]
    proposal_ids = [f"{image_id}#0" for image_id in image_ids]
    scenes = _scenes(workspace)
    cluster = np.sort((CLUSTERS * rng.beta(1.2, 2.0, n)).astype(np.int32)) % CLUSTERS
    rng.shuffle(cluster)
    tables = {
        "images": _images(image_ids, scenes),
        "proposals": _proposals(image_ids, scenes),
        "projection": _projection(proposal_ids, cluster, rng),
        "clustering": pa.table(
            {
                "proposal_id": proposal_ids,
                "cluster": cluster,
                "distance": rng.beta(2, 5, n).astype(np.float32),
                **{name: rng.beta(2, 5, n).astype(np.float32) for name in ("silhouette", "density", "agreement")},
            }
        ),
    }
    counts = _counts(image_ids, proposal_ids, cluster, scenes, rng)
    beside = {"clustering": partial(_embedding, cluster=cluster, seed=seed)}
    artifacts = {kind: _store(workspace, kind, [table], n, seed, beside.get(kind)) for kind, table in tables.items()}
    artifacts["counts"] = _store(workspace, "counts", _in_parts(counts), n, seed)
    classes = ["background", *(f"class {k}" for k in range(1, CLASSES))]
    provenance = {
        "seed": seed,
        "manifest": artifacts["images"],
        "classes": classes,
        "root": "datasets",
        "synthetic": True,
        "supervision": {"direct": "none", "inherited": "none"},
        "non_commercial": [],
    }
    run = workspace.runs.save(
        Run(f"large-{n}", f"{n:,} proposals", make_config(dataset="demo"), provenance=provenance, artifacts=artifacts)
    )
    workspace.decisions.append(run.id, artifacts["clustering"], "filter", percent=20.0)
    result = {
        "images": n,
        "skipped": 0,
        "skipped_files": [],
        "proposals": n,
        "clusters": CLUSTERS,
        "evaluation": score_json(score_round(workspace, RunRound(run, 0)).score),
    }
    return workspace, workspace.runs.save(Run(**{**vars(run), "state": "done", "result": result}))


def _scenes(workspace: Workspace) -> list[tuple[str, tuple[int, int], dict[str, object]]]:
    """(path below `datasets`, height and width, proposal columns) of the first drawn scenes."""
    dataset = open_dataset("demo", workspace.drawings)
    assert dataset.truth is not None
    found = []
    for file in dataset.files[:DRAWN]:
        mask = dataset.truth.mask(file.image_id) > 0
        row = proposals_of("x", [mask], [0.9]).to_table().to_pylist()[0]
        with Image.open(file.path) as image:
            size = (image.height, image.width)
        found.append((file.path.relative_to(workspace.drawings).as_posix(), size, row))
    return found


def _images(image_ids: list[str], scenes: list) -> pa.Table:
    of = [scenes[k % len(scenes)] for k in range(len(image_ids))]
    columns = {
        "image_id": image_ids,
        "path": [path for path, _, _ in of],
        "height": [height for _, (height, _), _ in of],
        "width": [width for _, (_, width), _ in of],
        "reason": pa.nulls(len(of), pa.string()),
        "sha256": image_ids,  # nothing reads the files as images of the run
        "pixel_hash": image_ids,
    }
    return pa.table(columns)


def _proposals(image_ids: list[str], scenes: list) -> pa.Table:
    rows = [scenes[k % len(scenes)][2] for k in range(len(image_ids))]
    columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
    columns |= {"image_id": image_ids, "proposal_id": [f"{image_id}#0" for image_id in image_ids]}
    return pa.table([pa.array(columns[f.name], f.type) for f in SCHEMA], schema=SCHEMA)


def _projection(proposal_ids: list[str], cluster: np.ndarray, rng: np.random.Generator) -> pa.Table:
    columns: dict[str, object] = {"proposal_id": proposal_ids}
    for method in ("tsne", "umap", "pca"):
        centres = rng.uniform(-80, 80, (CLUSTERS, 2))
        place = centres[cluster] + 7 * rng.standard_normal((len(cluster), 2))
        columns |= {f"{method}_x": place[:, 0].astype(np.float32), f"{method}_y": place[:, 1].astype(np.float32)}
    return pa.table(columns)


def _counts(
    image_ids: list[str], proposal_ids: list[str], cluster: np.ndarray, scenes: list, rng: np.random.Generator
) -> Counts:
    """Six of ten proposals hold their cluster's class, the others any; a tenth of each mask is background."""
    n = len(image_ids)
    truth = np.where(rng.random(n) < 0.6, cluster % (CLASSES - 1) + 1, rng.integers(1, CLASSES, n))
    area = np.array([scene[2]["area"] for scene in scenes])[np.arange(n) % len(scenes)]
    whole = np.array([height * width for _, (height, width), _ in scenes])[np.arange(n) % len(scenes)]
    rows, background = np.arange(n), np.zeros(n, np.int64)
    places = [(rows, truth), (rows, background), (n + rows, truth), (n + rows, background)]
    values = np.concatenate([area - area // 10, area // 10, area // 8, whole - area - area // 8])
    row, column = (np.concatenate(axis) for axis in zip(*places, strict=True))
    ids = np.array([*image_ids, *image_ids], object)
    pixels = csr_array((values, (row, column)), shape=(2 * n, CLASSES))
    return Counts(ids, np.array([*proposal_ids, *[""] * n], object), pixels)


def _in_parts(counts: Counts) -> Iterator[pa.Table]:
    """The table of counts, part by part: of a million proposals it would take gigabytes at once."""
    for start in range(0, len(counts), PART):
        rows = slice(start, start + PART)
        yield Counts(counts.image_id[rows], counts.proposal_id[rows], counts.values[rows]).to_table()


def _embedding(folder: Path, cluster: np.ndarray, seed: int) -> None:
    """As many numbers a proposal as there are clusters, each cluster around a centre."""
    rng = np.random.default_rng([seed, 1])
    centres = rng.standard_normal((CLUSTERS, CLUSTERS), np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    file = open_memmap(folder / "embedding.npy", "w+", np.float32, (len(cluster), CLUSTERS))
    for start in range(0, len(cluster), PART):
        near = centres[cluster[start : start + PART]]
        file[start : start + PART] = near + 0.1 * rng.standard_normal(near.shape, np.float32)
    file.flush()
    np.savez(folder / "spectrum.npz", centres=centres)


def _store(
    workspace: Workspace,
    kind: str,
    parts: Iterable[pa.Table],
    n: int,
    seed: int,
    beside: Callable[[Path], None] | None = None,
) -> str:
    """Write it as the stages do: those over images in shards, the others at once; `beside` writes further files."""

    def write(folder: Path) -> None:
        tables = iter(parts)
        first = next(tables)
        size = len(first) if kind in AT_ONCE else SHARD_SIZE
        shards = (table.slice(row, size) for table in chain([first], tables) for row in range(0, len(table), size))
        write_grouped(folder / TABLE, first.schema, shards)
        if beside is not None:
            beside(folder)

    return workspace.artifacts.make(ArtifactKey(kind, 1, {"large_run": [n, seed]}), write).fingerprint
