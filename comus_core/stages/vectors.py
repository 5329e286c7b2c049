"""The features stage, one raw vector a proposal, and the same of what is around each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.datasets.reading import image_batches, read_ahead
from comus_core.errors import DatasetError
from comus_core.machine.threads import made_ahead
from comus_core.proposals.table import Proposals
from comus_core.runs import artifact_readers as tables
from comus_core.stages.context import StageContext
from comus_core.types import FloatArray, RgbImage
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import TABLE
from comus_core.workspace.shards import Tick

VECTORS = "vectors.npy"
BoxOf = Callable[[int, tuple[int, ...]], Any]  # a proposal's row and the (height, width) of its image -> a box


def features(context: StageContext, proposals: Artifact) -> Artifact:
    """One raw vector a proposal: `vectors.npy` (n, d) and the proposal ids in `table.parquet`."""
    from comus_core.features.encoders import own_vectors, vectors_fingerprint
    from comus_core.features.features_file import read_features_file

    name, all_proposals = context.config.features.encoder, tables.read_proposals(proposals)
    if not len(all_proposals):
        raise DatasetError(
            f"saliency {context.config.saliency.detector} proposals nothing salient in any image of "
            f"{context.dataset.spec}: try another --saliency (`tokencut` always finds something)"
        )
    settings, weights = vectors_fingerprint(context.config.features)
    key = context.key("features", settings, weights, proposals=proposals)
    path, ids = own_vectors(name), all_proposals.proposal_id
    if path is not None:

        def write(folder: Path) -> None:
            write_vectors(folder, ids, read_features_file(path, list(ids)))

        return context.make("features", key, None, write)
    return encoded_vectors(context, "features", key, all_proposals)


def encoded_vectors(context: StageContext, stage: str, key: ArtifactKey, proposals: Proposals) -> Artifact:
    """One vector of the encoder for each of some proposals: of its box, or of its mask, see `FeatureSettings.pool`."""
    return _encoded(context, stage, key, proposals, lambda row, _: proposals.box_xyxy[row], by_mask=True)


def seconds_an_image(context: StageContext, proposals: Artifact, most: int) -> float | None:
    """Seconds that the encoder takes for the proposals of an image, decoding not counted; None of vectors in a file.

    Measured on the first `most` images with a proposal, after one image to warm up.
    """
    from comus_core.features.encoders import load_encoder, own_vectors

    how = context.config.features
    if own_vectors(how.encoder) is not None:
        return None
    table, encoder = tables.read_proposals(proposals), load_encoder(how.encoder, context.device, how.precision)
    rows_of = tables.rows_by_image(table)
    ids = list(rows_of)[:most]
    pictures = dict(zip(ids, read_ahead(context.dataset, ids), strict=True))

    def describe(image_ids: Sequence[str]) -> None:
        if how.pool == "mask":
            from comus_core.features.regions import describer

            look = describer(encoder, how)
            for image_id in image_ids:
                rows = rows_of[image_id]
                look(pictures[image_id]).vectors(
                    [table.box_xyxy[row] for row in rows], (table.mask(row) for row in rows)
                )
            return
        from comus_core.features.crops import crop_box

        boxes = ((image_id, table.box_xyxy[row]) for image_id in image_ids for row in rows_of[image_id])
        encoded(encoder, (crop_box(pictures[image_id], box) for image_id, box in boxes), lambda _: None)

    describe(ids[:1])
    begun = time.perf_counter()
    describe(ids)
    return (time.perf_counter() - begun) / len(ids)


def surroundings(context: StageContext, proposals: Artifact, share: float) -> Artifact | None:
    """As `features`, of each proposal's box with `share` of its sides added: what is around the object.

    Where features are pooled under the mask, these are pooled under that box.
    None where none are wanted (0), and where the features came from a file.
    The photographs must be those in which the proposals were proposals (`require_unchanged`).
    """
    from comus_core.features.crops import enlarged_box
    from comus_core.features.encoders import own_vectors, vectors_fingerprint

    how = context.config.features
    if not share or own_vectors(how.encoder):
        return None
    settings, weights = vectors_fingerprint(how)
    key = context.key("surroundings", settings | {"share": float(share)}, weights, proposals=proposals)
    all_proposals = tables.read_proposals_lightly(proposals)

    def box_of(row: int, size_hw: tuple[int, ...]) -> Any:
        return enlarged_box(all_proposals.box_xyxy[row], share, size_hw)

    return _encoded(context, "surroundings", key, all_proposals, box_of)


def second_view(context: StageContext, proposals: Artifact) -> Artifact | None:
    """The `surroundings` that the clustering of a run reads beside the features, as its settings say; None for none."""
    from comus_core.clustering.methods import METHODS

    settings = context.config.clustering
    return surroundings(context, proposals, settings.surroundings if METHODS[settings.method].two_views else 0.0)


def _encoded(
    context: StageContext,
    stage: str,
    key: ArtifactKey,
    all_proposals: Proposals,
    box_of: BoxOf,
    by_mask: bool = False,
) -> Artifact:
    """One vector a proposal, of the box that `box_of` gives for its row and the (height, width) of its image.

    With `by_mask`, of its mask, where features are pooled from a map of the image.
    """
    from comus_core.features.encoders import load_encoder

    rows_of, loaded = tables.rows_by_image(all_proposals), list[Any]()
    how = context.config.features

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        if not loaded:
            loaded.append(load_encoder(how.encoder, context.device, how.precision))
        rows = [row for image_id in ids for row in rows_of[image_id]]
        if how.pool == "mask":
            vectors = _pooled(context, loaded[0], ids, rows_of, box_of, all_proposals if by_mask else None, tick)
        else:
            crops = _crops(context, ids, rows_of, box_of)
            vectors = encoded(loaded[0], crops, lambda done: tick(round(len(ids) * done / len(rows))))
        cells = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), vectors.shape[1])
        return pa.table({"proposal_id": pa.array(all_proposals.proposal_id[rows], pa.string()), "feature": cells})

    return context.make(stage, key, list(rows_of), work, finish=_join_vectors)


def _crops(
    context: StageContext, ids: Sequence[str], rows_of: Mapping[str, Sequence[int]], box_of: BoxOf
) -> Iterator[RgbImage]:
    """The crops of all rows of some images, in order."""
    from comus_core.features.crops import crop_box

    pictures = read_ahead(context.dataset, ids)
    for image_id in ids:
        picture = next(pictures)
        for row in rows_of[image_id]:
            yield crop_box(picture, box_of(row, picture.shape[:2]))
        del picture  # before the next one is waited for


def _pooled(
    context: StageContext,
    encoder: Any,
    ids: Sequence[str],
    rows_of: Mapping[str, Sequence[int]],
    box_of: BoxOf,
    proposals: Proposals | None,
    tick: Tick,
) -> Any:
    """(n, d) float32 of all rows of some images, each image seen once: of the masks of `proposals`, else of boxes."""
    from comus_core.features.regions import describer

    describe, parts = describer(encoder, context.config.features), []
    pictures = read_ahead(context.dataset, ids)
    for image_id in ids:
        picture, rows = next(pictures), rows_of[image_id]
        masks = (proposals.mask(row) for row in rows) if proposals is not None else None
        parts.append(describe(picture).vectors([box_of(row, picture.shape[:2]) for row in rows], masks))
        del picture  # before the next one is waited for
        tick(1)
    return np.concatenate(parts)


def encoded(encoder: Any, crops: Iterator[RgbImage], on_batch: Callable[[int], None]) -> Any:
    """(n, d) float32, a batch of crops in memory at a time; reports the size of each.

    Where the encoder lets them, crops are decoded, cut and resized in a thread while the network is at those before.
    Its batches are full then, however large the crops are: what is computed together is always the same.
    """
    prepare, parts = getattr(encoder, "pixels", None), []
    if prepare is None:
        for batch in image_batches(crops, encoder.batch_size):
            parts.append(encoder.encode(batch))
            on_batch(len(batch))
            del batch  # before the next crops are cut
    else:
        from comus_core.machine.alone import lone_threads

        batches = _full_batches(prepare, crops, encoder.batch_size)
        with made_ahead(batches, lambda: lone_threads(1)) as prepared:
            for pixels in prepared:
                parts.append(encoder.encode_pixels(pixels))
                on_batch(len(pixels))
    return np.concatenate(parts)


def _full_batches(
    prepare: Callable[[Sequence[RgbImage]], FloatArray], crops: Iterator[RgbImage], size: int
) -> Iterator[FloatArray]:
    """What the network takes of `size` crops at a time, prepared one by one: a crop may be a large image."""
    while parts := list(map(lambda crop: prepare([crop]), islice(crops, size))):  # none is held while the next is cut
        yield np.concatenate(parts)


def _join_vectors(shards: Sequence[Path], folder: Path) -> None:
    """As `write_vectors`, a shard in memory at a time: ten million vectors are larger than it."""
    schema = pq.read_schema(shards[0])
    count, width = sum(pq.read_metadata(shard).num_rows for shard in shards), schema.field("feature").type.list_size
    head, ids = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": (count, width)}, []
    with (folder / VECTORS).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        for shard in shards:
            table = pq.read_table(shard)
            for chunk in table.column("feature").chunks:
                file.write(np.ascontiguousarray(chunk.flatten().to_numpy()).data)
            ids.append(table.column("proposal_id").to_numpy())
    _write_ids(folder, np.concatenate(ids))


def write_vectors(folder: Path, ids: Any, vectors: Any) -> None:
    """Vectors (n, d) and the proposal ids (n,) of their rows, as the features stage writes them."""
    np.save(folder / VECTORS, np.ascontiguousarray(vectors, np.float32))
    _write_ids(folder, ids)


def _write_ids(folder: Path, ids: Any) -> None:
    pq.write_table(pa.table({"proposal_id": pa.array(ids, pa.string())}), folder / TABLE)
