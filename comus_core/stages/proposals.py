"""The saliency stage: soft maps, kept apart from the thresholds that make proposals of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comus_core.datasets.decoding import fraction
from comus_core.datasets.reading import batches, read_ahead
from comus_core.proposals.table import SCHEMA, concatenate
from comus_core.runs import artifact_readers as tables
from comus_core.stages.context import StageContext
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE
from comus_core.workspace.grouped import write_grouped
from comus_core.workspace.shards import SHARD_SIZE, Tick


def soft_maps(context: StageContext, images: Artifact) -> Artifact:
    """One soft map an image, at the detector's own size, as lossless PNG."""
    from comus_core.saliency import detector_fingerprint, load_detector
    from comus_core.saliency.soft_maps import quantise, to_png

    settings, dataset = context.config.saliency, context.dataset
    identity = detector_fingerprint(settings, dataset.files)
    context.without_mask[:] = identity.missing
    key = context.key("soft_maps", identity.settings, identity.weights, images=images, masks=identity.inputs)
    sizes, loaded = tables.image_sizes(images), list[Any]()

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        if not loaded:
            loaded.append(load_detector(settings, context.device))
        detector, pngs = loaded[0], []
        pictures = read_ahead(dataset, ids, detector.at_least)

        def pixels(image_id: str) -> int:
            height, width = sizes[image_id]
            return height * width // fraction((width, height), detector.at_least) ** 2

        for batch in batches(ids, detector.batch_size, pixels):
            maps = detector.soft_maps([next(pictures) for _ in batch], batch)
            pngs += [to_png(quantise(soft)) for soft in maps]
            tick(len(batch))
        return pa.table({"image_id": pa.array(ids, pa.string()), "png": pa.array(pngs, pa.binary())})

    def nothing(image_id: str, _: str) -> pa.Table:
        """An image that is set aside has an empty map, and so no proposal."""
        return pa.table({"image_id": [image_id], "png": pa.array([to_png(np.zeros((1, 1), np.uint8))], pa.binary())})

    return context.make("saliency", key, tables.usable_ids(images), work, instead=nothing)


def with_features(context: StageContext, proposals: Artifact, vectors: Artifact) -> Artifact:
    """The proposals without those of images that had to be set aside when their vectors were made."""
    missing = vectors.set_aside()
    if not missing:
        return proposals

    def write(folder: Path) -> None:
        table = proposals.table()
        pq.write_table(table.filter(pc.invert(pc.is_in(table.column("image_id"), pa.array(missing)))), folder / TABLE)

    key = context.key("proposals", {"without": sorted(missing)}, proposals=proposals)
    return context.make("features", key, None, write, announce=False)


def proposals(context: StageContext, images: Artifact, maps: Artifact) -> Artifact:
    """Soft maps thresholded into proposals; cheap, so that a threshold can be tuned."""
    from comus_core.saliency.soft_maps import from_png
    from comus_core.saliency.thresholding import find_proposals

    settings = context.config.saliency
    sizes = tables.image_sizes(images)

    def table_of(batch: pa.RecordBatch) -> pa.Table:
        rows = batch.to_pylist()
        parts = [find_proposals(r["image_id"], from_png(r["png"]), sizes[r["image_id"]], settings) for r in rows]
        return concatenate(parts).to_table()

    def write(folder: Path) -> None:
        with pq.ParquetFile(maps.file(TABLE)) as stored:
            write_grouped(folder / TABLE, SCHEMA, map(table_of, stored.iter_batches(SHARD_SIZE)))

    rule = {"threshold": settings.threshold, "resize": settings.resize, "min_area": settings.min_area}
    return context.make("saliency", context.key("proposals", rule, images=images, soft_maps=maps), None, write)
