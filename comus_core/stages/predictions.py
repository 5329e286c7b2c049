"""A trained network's masks of images, and their pixel counts, joined to the workspace."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from PIL import Image

from comus_core.datasets.reading import batches, read_ahead
from comus_core.evaluation.prediction_counts import MaskPair, count_images
from comus_core.evaluation.protocols import centred
from comus_core.files.atomic import write_bytes
from comus_core.proposals.pseudo_masks import from_png, to_png
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.stages.classifiers import load_classifier
from comus_core.stages.context import StageContext
from comus_core.stages.labels import beside, files_of
from comus_core.stages.masks import mask_files
from comus_core.stages.networks import load_segmenter
from comus_core.stages.proposals import soft_maps
from comus_core.training.preview_plan import Classify
from comus_core.training.settings import NetworkSettings, PredictionSettings
from comus_core.types import FloatArray, IndexMask, RgbImage
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.shards import Tick

if TYPE_CHECKING:
    from torch import Tensor

    from comus_core.training.network import Segmenter

BATCH = 8  # images predicted at once, fewer of large ones


@dataclass(frozen=True)
class TrainedNetwork:
    """What labels images.

    Attributes:
        artifact: the network.
        settings: of it.
        categories: C.
        classifier: of the run's features, which takes part in naming objects; None for none.
    """

    artifact: Artifact
    settings: NetworkSettings
    categories: int
    classifier: Artifact | None = None


def predictions(
    context: StageContext,
    network: TrainedNetwork,
    settings: PredictionSettings,
    images: Artifact,
    *,
    soft: bool = False,
    stage: str = "masks",
) -> Artifact:
    """The network's mask of every image, under `masks/`, and its confidence, in 255ths, under `confidence/`.

    The detector is used where the settings give saliency a weight. `soft` also keeps the shares of all categories, in
    255ths and coarse, under `soft/`: for a student to learn from.
    """
    from comus_core.training.prediction import predict

    ids, sizes = tables.usable_ids(images), tables.image_sizes(images)
    maps = soft_maps(context, images) if settings.saliency else None
    file_of = mask_files(ids)

    known = list[tuple["Segmenter", Classify | None]]()

    def loaded() -> tuple[Segmenter, Classify | None]:
        if not known:
            segmenter = load_segmenter(network.artifact, network.settings, network.categories + 1, context.device)
            classify = load_classifier(context, network.classifier) if network.classifier is not None else None
            known.append((segmenter, classify))
        return known[0]

    def masks_of(
        batch: Sequence[str], pictures: Iterator[RgbImage], folder: Path
    ) -> list[tuple[IndexMask, FloatArray]]:
        segmenter, classify = loaded()
        return predict(
            segmenter,
            [next(pictures) for _ in batch],
            settings,
            context.device,
            soft_maps=tables.read_soft_maps(maps, batch) if maps is not None else None,
            classify=classify,
            on_shares=partial(_write_shares, folder, [file_of[i] for i in batch], network.settings) if soft else None,
        )

    def work(chunk: Sequence[str], tick: Tick, folder: Path) -> pa.Table:
        pictures = read_ahead(context.dataset, chunk)
        for batch in batches(chunk, BATCH, lambda image_id: sizes[image_id][0] * sizes[image_id][1]):
            for image_id, (mask, confidence) in zip(batch, masks_of(batch, pictures, folder), strict=True):
                write_bytes(folder / file_of[image_id], to_png(mask))
                write_bytes(folder / beside(file_of[image_id], "confidence"), _grey_png(confidence))
            tick(len(batch))
        files = [file_of[i] for i in chunk]
        return pa.table({"image_id": pa.array(chunk, pa.string()), "file": pa.array(files, pa.string())})

    return context.make(stage, predictions_key(context, network, settings, images, maps, soft=soft), ids, work)


def predictions_key(
    context: StageContext,
    network: TrainedNetwork,
    settings: PredictionSettings,
    images: Artifact,
    maps: Artifact | None,
    *,
    soft: bool = False,
) -> ArtifactKey:
    """What decides a network's masks; `maps` are the images' soft maps where saliency has a weight."""
    optional = {"soft_maps": maps, "classifier": network.classifier}
    inputs = {name: artifact for name, artifact in optional.items() if artifact is not None}
    values = to_dict(settings) | {"soft": soft}
    return context.key("predictions", values, None, network=network.artifact, images=images, **inputs)


def round_counts(
    context: StageContext, predicted: Artifact, categories: int, stage: str = "scores", *, side: int | None = None
) -> Artifact:
    """Pixels of each predicted category and class, image by image: (C + 1) × classes, flattened.

    `side` brings masks and ground truth to a square of so many pixels first, see `protocols.centred`.
    """
    truth = context.dataset.truth
    assert truth is not None, "counts need ground truth: the caller checks"
    file_of, classes = files_of(predicted), len(truth.classes)

    def read(image_id: str) -> MaskPair:
        mask, true = from_png(predicted.file(file_of[image_id]).read_bytes()), truth.mask(image_id)
        if side is None or mask.shape != true.shape:  # counting refuses what does not fit
            return mask, true
        return centred(mask, side), centred(true, side)

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        rows = []
        for table in count_images(ids, read, truth.ignore, categories, classes):
            rows.append(table)
            tick(1)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(rows).ravel()), (categories + 1) * classes)
        return pa.table({"image_id": pa.array(ids, pa.string()), "values": flat})

    ids = [i for i in sorted(file_of) if truth.has(i)]
    key = context.key(
        "round_counts", {"side": side} if side else {}, predictions=predicted, truth=context.truth_fingerprint()
    )
    return context.make(stage, key, ids, work)


def _write_shares(folder: Path, files: Sequence[str], settings: NetworkSettings, place: int, shares: Tensor) -> None:
    """Keep the (C + 1, h, w) shares of the image at a place of the batch at the size of the network's head."""
    from comus_core.training.soft_labels import coarse_planes, planes_to_png

    planes = coarse_planes(shares, settings.output_stride)
    write_bytes(folder / beside(files[place], "soft"), planes_to_png(planes))


def _grey_png(confidence: FloatArray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.round(confidence * 255).astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()
