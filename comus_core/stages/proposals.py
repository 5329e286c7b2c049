"""The saliency stage: soft maps, kept apart from the thresholds that make proposals of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comus_core.datasets.decoding import fraction
from comus_core.datasets.reading import batches, read_ahead
from comus_core.files.atomic import write_json
from comus_core.machine.threads import made_ahead
from comus_core.proposals.table import SCHEMA, concatenate, proposals_of
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.spec import GivenObjects
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.stages.learned_detector import learned_detector, read_learned
from comus_core.types import SoftMaps
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE
from comus_core.workspace.grouped import write_grouped
from comus_core.workspace.shards import SHARD_SIZE, Tick

# Shards of a detector that takes half a second an image and more are of smaller units: a kill loses less.
SLOW, SLOW_UNIT = 20.0, 16  # GFLOP an image; images, a multiple of every detector's batch
PROBLEMS = "problems.json"  # beside proposals that a file gives


def soft_maps(context: StageContext, images: Artifact) -> Artifact:
    """One soft map an image, at the detector's own size, as lossless PNG.

    Of a detector that tells objects apart, `png` is the largest value of all, and `objects` holds the maps of all, one
    below the other in one PNG; null where there is no object.
    """
    from comus_core.saliency.detectors import detector_fingerprint, detector_spec, load_detector, object_maps
    from comus_core.saliency.soft_maps import quantise

    settings, dataset = context.config.saliency, context.dataset
    identity = detector_fingerprint(settings, dataset.files)
    context.without_mask[:] = identity.missing
    learned, several = learned_detector(context, images), detector_spec(settings.detector).several
    inputs = {"images": images, "masks": identity.inputs} | ({"learned": learned} if learned is not None else {})
    key = context.key("soft_maps", identity.settings, identity.weights, **inputs)
    sizes, loaded = tables.image_sizes(images), list[Any]()
    given = _given(context)

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        if given is not None:
            return _maps_of(given, ids, sizes, tick)
        if not loaded:
            loaded.append(load_detector(settings, context.device, read_learned(learned) if learned else None))
        detector, tables_of = loaded[0], []
        pictures = read_ahead(dataset, ids, detector.at_least)

        def pixels(image_id: str) -> int:
            height, width = sizes[image_id]
            return height * width // fraction((width, height), detector.at_least) ** 2

        def maps() -> Iterator[tuple[Sequence[str], list[SoftMaps]]]:
            for batch in batches(ids, detector.batch_size, pixels):
                yield batch, object_maps(detector, [next(pictures) for _ in batch], batch)

        with made_ahead(maps()) as made:  # maps are compressed while the network is at the next images
            for batch, of_batch in made:
                tables_of.append(_map_table(batch, [quantise(of_image) for of_image in of_batch], several))
                tick(len(batch))
        return pa.concat_tables(tables_of)

    def nothing(image_id: str, _: str) -> pa.Table:
        """An image that is set aside has an empty map, and so no proposal."""
        return _map_table([image_id], [np.zeros((1, 1, 1), np.uint8)], several)

    slow = detector_spec(settings.detector).cost_for(settings).gflop > SLOW
    unit = SLOW_UNIT if slow else SHARD_SIZE
    return context.make("saliency", key, tables.usable_ids(images), work, instead=nothing, unit=unit)


def _map_table(ids: Sequence[str], maps: Sequence[NDArray[np.uint8]], several: bool) -> pa.Table:
    """The rows of soft maps, (n, h, w) an image."""
    from comus_core.saliency.soft_maps import to_png

    columns = {
        "image_id": pa.array(ids, pa.string()),
        "png": pa.array([to_png(of_image.max(axis=0, initial=0)) for of_image in maps], pa.binary()),
    }
    if several:
        pngs = [to_png(of_image.reshape(-1, of_image.shape[2])) if len(of_image) else None for of_image in maps]
        columns["objects"] = pa.array(pngs, pa.binary())
    return pa.table(columns)


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
    """Soft maps thresholded into proposals; cheap, so that a threshold can be tuned.

    The proposals of an image are numbered by descending score, and no pixel is in two: see `find_proposals`.
    """
    from comus_core.saliency.thresholding import find_proposals

    settings = context.config.saliency
    sizes = tables.image_sizes(images)
    given = _given(context)
    if given is not None:
        return _given_proposals(context, given, images, maps)

    def table_of(batch: pa.RecordBatch) -> pa.Table:
        rows = batch.to_pylist()
        parts = [find_proposals(r["image_id"], tables.stored_maps(r), sizes[r["image_id"]], settings) for r in rows]
        return concatenate(parts).to_table()

    def write(folder: Path) -> None:
        with pq.ParquetFile(maps.file(TABLE)) as stored:
            write_grouped(folder / TABLE, SCHEMA, map(table_of, stored.iter_batches(SHARD_SIZE)))

    rule: dict[str, Any] = {name: getattr(settings, name) for name in ("threshold", "resize", "min_area")}
    if settings.split != "none":
        rule["split"] = settings.split
    if settings.split == "peaks":
        rule["peaks"] = to_dict(settings.peaks)
    return context.make("saliency", context.key("proposals", rule, images=images, soft_maps=maps), None, write)


def _given(context: StageContext) -> GivenObjects | None:
    """The masks that a file gives, where the detector is one."""
    from comus_core.saliency.detectors import detector_spec

    spec = detector_spec(context.config.saliency.detector)
    return spec.given(context.config.saliency, context.dataset.files) if spec.given is not None else None


def _maps_of(given: GivenObjects, ids: Sequence[str], sizes: Mapping[str, tuple[int, int]], tick: Tick) -> pa.Table:
    """Soft maps of given masks: 1 in all objects of an image."""
    from comus_core.saliency.soft_maps import to_png

    pngs = []
    for image_id in ids:
        masks = given.masks(image_id, sizes[image_id]) if given.has(image_id) else []
        union = np.logical_or.reduce(masks) if masks else np.zeros((1, 1), bool)
        pngs.append(to_png(union.astype(np.uint8) * 255))
        tick(1)
    return pa.table({"image_id": pa.array(ids, pa.string()), "png": pa.array(pngs, pa.binary())})


def _given_proposals(context: StageContext, given: GivenObjects, images: Artifact, maps: Artifact) -> Artifact:
    """Given masks as proposals, each with the score 1; what of the file is not used is kept beside them."""
    sizes = tables.image_sizes(images)

    def write(folder: Path) -> None:
        def parts() -> Iterator[pa.Table]:
            for image_id in tables.usable_ids(images):
                masks = given.masks(image_id, sizes[image_id]) if given.has(image_id) else []
                yield proposals_of(image_id, masks, [1.0] * len(masks)).to_table()

        write_grouped(folder / TABLE, SCHEMA, parts())
        write_json(folder / PROBLEMS, [{"path": p.file, "note": f"{p.value}: {p.message}"} for p in given.problems])

    artifact = context.make(
        "saliency", context.key("proposals", {"given": True}, images=images, soft_maps=maps), None, write
    )
    with artifact.reading(PROBLEMS) as file:
        context.notes[:] = json.loads(file.read_text())
    return artifact
