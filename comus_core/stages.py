"""Each stage joined to the workspace: what decides its result (the key) and the work that makes it.

`pipeline.py` calls these in order. A stage whose artifact is there does no work and loads no model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core import run_tables as tables
from comus_core.config import RunConfig, to_dict
from comus_core.errors import DatasetError
from comus_core.images.dataset import Dataset
from comus_core.images.reading import read_ahead
from comus_core.proposals import SCHEMA, concatenate
from comus_core.types import OnProgress
from comus_core.workspace import Artifact, ArtifactKey, Workspace
from comus_core.workspace.artifacts import Tick, digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.files import replacing

# Raise a stage's number when its result changes for the same settings.
VERSIONS = {
    "images": 1,
    "soft_maps": 1,
    "proposals": 1,
    "features": 1,
    "clustering": 1,
    "assignment": 1,
    "projection": 1,
    "pseudo_masks": 1,
    "counts": 1,
}


@dataclass
class StageContext:
    """What every stage of one run on one data set needs.

    Attributes:
        config: settings with `auto` resolved.
        seconds: stage -> seconds spent in this invocation.
        computed: kinds of artifact that were not there before, in order.
    """

    workspace: Workspace
    dataset: Dataset
    config: RunConfig
    device: str
    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)

    def key(
        self, kind: str, settings: dict[str, Any], weights: dict[str, str] | None = None, **inputs: Any
    ) -> ArtifactKey:
        """The key of an artifact; inputs are artifacts or fingerprints."""
        prints = {name: i.fingerprint if isinstance(i, Artifact) else str(i) for name, i in inputs.items()}
        return ArtifactKey(kind, VERSIONS[kind], settings, prints, weights or {})

    def make(self, stage: str, key: ArtifactKey, ids: Sequence[str] | None, work: Any, **options: Any) -> Artifact:
        """The key's artifact, timed under its stage; `ids` None means all at once."""
        start = time.perf_counter()
        artifacts = self.workspace.artifacts
        if artifacts.find(key.kind, key.fingerprint) is None:
            self.computed.append(key.kind)
        if ids is None:
            artifact = artifacts.make(key, work)
        else:
            artifact = artifacts.make_sharded(key, ids, work, stage=stage, on_progress=self.on_progress, **options)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        return artifact


def check_images(context: StageContext) -> Artifact:
    """Look at every file once: size, pixel hash, or the reason why it is set aside."""
    from comus_core.images.checking import check_images as check

    dataset = context.dataset
    hashes = context.workspace.hash_files(file.path for file in dataset.files)
    by_id = {file.image_id: file for file in dataset.files}
    manifest = [[f.image_id, f.relative, *hashes[f.path]] for f in dataset.files]
    set_aside = [[s.path, s.reason] for s in dataset.set_aside]

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        files = [by_id[i] for i in ids]
        table = check(files)
        tick(len(ids))
        sizes, digests = zip(*(hashes[f.path] for f in files), strict=True)
        return table.append_column("bytes", pa.array(sizes, pa.int64())).append_column(
            "sha256", pa.array(digests, pa.string())
        )

    key = context.key("images", {}, manifest=digest(manifest), set_aside=digest(set_aside))
    return context.make("images", key, list(by_id), work)


def require_usable(context: StageContext, images: Artifact) -> None:
    """Raise `DatasetError` if not one image can be used."""
    if not tables.usable_ids(images):
        reasons = "; ".join(f"{s['path']}: {s['reason']}" for s in tables.skipped_files(images)[:3])
        raise DatasetError(
            f"{context.dataset.spec}: none of the {len(context.dataset.files)} files is usable ({reasons})"
        )


def soft_maps(context: StageContext, images: Artifact) -> Artifact:
    """One soft map an image, at the detector's own size, as lossless PNG."""
    from comus_core.saliency import detector_fingerprint, load_detector
    from comus_core.saliency.soft_maps import quantise, to_png

    settings, dataset = context.config.saliency, context.dataset
    identity = detector_fingerprint(settings, [f for f in dataset.files])
    loaded: list[Any] = []

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        if not loaded:
            loaded.append(load_detector(settings, context.device))
        detector, pngs = loaded[0], []
        pictures = read_ahead(dataset, ids)
        for start in range(0, len(ids), detector.batch_size):
            batch = ids[start : start + detector.batch_size]
            maps = detector.soft_maps([next(pictures) for _ in batch], batch)
            pngs += [to_png(quantise(soft)) for soft in maps]
            tick(len(batch))
        return pa.table({"image_id": pa.array(ids, pa.string()), "png": pa.array(pngs, pa.binary())})

    key = context.key("soft_maps", identity.settings, identity.weights, images=images, masks=identity.inputs)
    return context.make("saliency", key, tables.usable_ids(images), work)


def proposals(context: StageContext, images: Artifact, maps: Artifact) -> Artifact:
    """Soft maps thresholded into proposals; cheap, so that a threshold can be tuned."""
    from comus_core.saliency.soft_maps import from_png
    from comus_core.saliency.thresholding import find_proposals

    settings = context.config.saliency
    sizes = tables.image_sizes(images)

    def write(folder: Path) -> None:
        with replacing(folder / "table.parquet") as temporary, pq.ParquetWriter(temporary, SCHEMA) as writer:
            for batch in pq.ParquetFile(maps.file("table.parquet")).iter_batches(64):
                found = [
                    find_proposals(row["image_id"], from_png(row["png"]), sizes[row["image_id"]], settings)
                    for row in batch.to_pylist()
                ]
                writer.write_table(concatenate(found).to_table())

    rule = {"threshold": settings.threshold, "resize": settings.resize, "min_area": settings.min_area}
    return context.make("saliency", context.key("proposals", rule, images=images, soft_maps=maps), None, write)


def features(context: StageContext, found: Artifact) -> Artifact:
    """One raw vector a proposal: `vectors.npy` (n, d) and the proposal ids in `table.parquet`."""
    from comus_core.features import crop_box, encoder_fingerprint, load_encoder, read_features_file

    name, all_proposals = context.config.features.encoder, tables.read_proposals(found)
    if not len(all_proposals):
        raise DatasetError(
            f"saliency {context.config.saliency.detector} found nothing salient in any image of {context.dataset.spec}: "
            f"try another --saliency (`ncut` always finds something)"
        )
    rows_of = tables.rows_by_image(all_proposals)
    settings, weights = encoder_fingerprint(name)
    key = context.key("features", settings, weights, proposals=found)
    if name.startswith("file:"):
        path, ids = Path(name.removeprefix("file:")), all_proposals.proposal_id

        def write(folder: Path) -> None:
            _write_vectors(folder, ids, read_features_file(path, list(ids)))

        return context.make("features", key, None, write)
    loaded: list[Any] = []

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        if not loaded:
            loaded.append(load_encoder(name, context.device))
        kept_ids, crops = [], []
        for image_id, picture in zip(ids, read_ahead(context.dataset, ids), strict=True):
            for row in rows_of[image_id]:
                kept_ids.append(all_proposals.proposal_id[row])
                crops.append(crop_box(picture, all_proposals.box_xyxy[row]))
        vectors = _encode(loaded[0], crops, lambda done: tick(round(len(ids) * done)))
        cells = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), vectors.shape[1])
        return pa.table({"proposal_id": pa.array(kept_ids, pa.string()), "feature": cells})

    return context.make("features", key, list(rows_of), work, finish=_join_vectors)


def clustering(context: StageContext, vectors: Artifact, clusters: int) -> Artifact:
    """Clusters, distances and the spectral embedding of the vectors."""
    from comus_core.clustering import cluster

    settings = context.config.clustering

    def write(folder: Path) -> None:
        ids, raw = tables.read_vectors(vectors)
        found = cluster(raw, settings, clusters, context.config.seed)
        table = {"proposal_id": pa.array(ids, pa.string()), "cluster": found.cluster, "distance": found.distance}
        pq.write_table(pa.table(table), folder / "table.parquet")
        np.save(folder / "embedding.npy", found.embedding)
        np.savez(
            folder / "spectrum.npz",
            centres=found.centres,
            eigenvalues=found.eigenvalues,
            residuals=found.residuals,
            components=found.components,
        )

    chosen = {**to_dict(settings), "clusters": clusters, "seed": context.config.seed}
    return context.make("clustering", context.key("clustering", chosen, features=vectors), None, write)


def projection(context: StageContext, vectors: Artifact) -> Artifact:
    """t-SNE and UMAP of the vectors, computed once."""
    from comus_core.clustering.vectors import normalise
    from comus_core.projection import project

    how, seed = context.config.clustering.features, context.config.seed

    def write(folder: Path) -> None:
        ids, raw = tables.read_vectors(vectors)
        points = normalise(raw, how)
        columns: dict[str, Any] = {"proposal_id": pa.array(ids, pa.string())}
        for method in ("tsne", "umap"):
            flat = project(points, method, seed)
            columns |= {f"{method}_x": flat[:, 0], f"{method}_y": flat[:, 1]}
        pq.write_table(pa.table(columns), folder / "table.parquet")

    return context.make(
        "projection", context.key("projection", {"features": how, "seed": seed}, features=vectors), None, write
    )


def counts(context: StageContext, images: Artifact, found: Artifact) -> Artifact:
    """Pixels of each class inside each proposal and in each image's remainder: the only pass over ground truth."""
    from comus_core.evaluation.counts import Counts, count_image

    truth = context.dataset.truth
    assert truth is not None, "counts need ground truth: the caller checks"
    all_proposals = tables.read_proposals(found)
    rows_of = tables.rows_by_image(all_proposals)
    hashes = context.workspace.hash_files(truth.files())
    fingerprint = digest([list(truth.classes), sorted([p.name, sha] for p, (_, sha) in hashes.items())])

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        images_of, proposals_of, values = [], [], []
        for image_id in ids:
            rows = rows_of.get(image_id, [])
            masks = [all_proposals.mask(row) for row in rows]
            values.append(count_image(truth.mask(image_id), truth.ignore, masks, len(truth.classes)))
            images_of += [image_id] * (len(rows) + 1)
            proposals_of += [*all_proposals.proposal_id[rows], ""]
            tick(1)
        arrays = np.array(images_of, object), np.array(proposals_of, object), np.concatenate(values)
        return Counts(*arrays).to_table()

    ids = [i for i in tables.usable_ids(images) if truth.has(i)]
    return context.make("evaluation", context.key("counts", {}, proposals=found, truth=fingerprint), ids, work)


def pseudo_masks(context: StageContext, made: Mapping[str, Artifact], decided: Decisions) -> Artifact:
    """Index masks of the images with a kept proposal, as PNG files under `masks/`: the first training set."""
    from comus_core.pseudo_masks import pseudo_mask, to_png, training_images

    images, found, clusters = made["images"], made["proposals"], made["clustering"]
    all_proposals, table = tables.read_proposals(found), tables.read_clusters(clusters)
    names, category, keep = tables.decided_rows(all_proposals, table, decided)
    rows_of, sizes = tables.rows_by_image(all_proposals), tables.image_sizes(images)

    def work(ids: Sequence[str], tick: Tick, folder: Path) -> pa.Table:
        files = []
        for image_id in ids:
            rows = np.array(rows_of[image_id])
            mask = pseudo_mask(all_proposals[rows], category[rows], keep[rows], sizes[image_id], len(names))
            files.append(f"masks/{image_id}.png")
            with replacing(folder / files[-1]) as temporary:
                temporary.write_bytes(to_png(mask))
            tick(1)
        return pa.table({"image_id": pa.array(ids, pa.string()), "file": pa.array(files, pa.string())})

    percents = {str(c): p for c, p in decided.percent_of(table.count).items()}
    key = context.key("pseudo_masks", {"percent": percents, "names": list(names)}, proposals=found, clustering=clusters)
    return context.make("pseudo_masks", key, training_images(all_proposals.image_id, keep), work)


def _encode(encoder: Any, crops: list[Any], on_share: Callable[[float], None]) -> Any:
    """(n, d) float32 in batches; reports the share of each batch."""
    batch, parts = encoder.batch_size, []
    for start in range(0, len(crops), batch):
        parts.append(encoder.encode(crops[start : start + batch]))
        on_share(len(crops[start : start + batch]) / len(crops))
    return np.concatenate(parts)


def _join_vectors(shards: Sequence[Path], folder: Path) -> None:
    shard_tables = [pq.read_table(shard) for shard in shards]
    ids = np.concatenate([t.column("proposal_id").to_numpy() for t in shard_tables])
    parts = [np.stack(t.column("feature").to_numpy()) for t in shard_tables]
    _write_vectors(folder, ids, np.concatenate(parts))


def _write_vectors(folder: Path, ids: Any, vectors: Any) -> None:
    np.save(folder / "vectors.npy", np.ascontiguousarray(vectors, np.float32))
    pq.write_table(pa.table({"proposal_id": pa.array(ids, pa.string())}), folder / "table.parquet")
