"""What a comparison of detectors needs of each image: areas by threshold, levels against the truth, overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from comus_core.datasets.records import Dataset
from comus_core.evaluation.saliency_scores import ious, level_counts, overlap
from comus_core.proposals.resizing import bilinear_bands
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.detectors import detector_spec
from comus_core.saliency.soft_maps import dequantise, from_png, quantise
from comus_core.saliency.threshold_areas import STEPS, areas_by_threshold
from comus_core.stages.context import StageContext
from comus_core.types import BoolMask, ByteArray
from comus_core.workspace import Artifact
from comus_core.workspace.shards import Tick

MEASURES = pa.schema(
    [
        ("image_id", pa.string()),
        ("areas", pa.list_(pa.int64())),  # (99,), null where more than the area of one map decides
        ("levels", pa.list_(pa.int64())),  # (2, 256), null without ground truth
        ("intersection", pa.int64()),
        ("union", pa.int64()),
    ]
)


def saliency_measures(context: StageContext, images: Artifact, maps: Artifact, proposals: Artifact) -> Artifact:
    """Of each image: its area at every threshold and, with ground truth, what scores are made of.

    A row has the columns of `MEASURES`: `levels` and the overlap of its proposals are null where there is no truth.
    """
    settings, sizes = context.config.saliency, tables.image_sizes(images)
    spec = detector_spec(settings.detector)
    one_map = not spec.several and spec.given is None and settings.split == "none"
    masks: list[Callable[[str], BoolMask]] = []

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        if not masks:
            masks.append(masks_of(proposals, images))
        pngs, rows = tables.read_soft_map_files(maps, ids), []
        for image_id in ids:
            stored = from_png(pngs[image_id])
            areas = areas_by_threshold(stored, sizes[image_id], settings.resize).tolist() if one_map else None
            row = {"image_id": image_id, "areas": areas}
            rows.append(row | _against_truth(context.dataset, image_id, stored, masks[0](image_id)))
            tick(1)
        return pa.Table.from_pylist(rows, schema=MEASURES)

    key = context.key(
        "saliency_measures",
        {"resize": settings.resize, "thresholds": STEPS},
        images=images,
        soft_maps=maps,
        proposals=proposals,
        truth=context.truth_fingerprint(),
    )
    return context.make("measures", key, tables.usable_ids(images), work)


def saliency_agreement(context: StageContext, images: Artifact, proposals: Sequence[Artifact]) -> Artifact:
    """Of each image the IoUs of the masks of every two detectors, `ious`, pairs in the order of `combinations`."""
    masks: list[Callable[[str], BoolMask]] = []

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        masks.extend([] if masks else [masks_of(one, images) for one in proposals])
        rows = []
        for image_id in ids:
            found = [mask(image_id) for mask in masks]
            rows.append(ious(np.array([overlap(a, b) for a, b in combinations(found, 2)])).tolist())
            tick(1)
        return pa.table({"image_id": pa.array(ids, pa.string()), "ious": pa.array(rows, pa.list_(pa.float64()))})

    inputs: dict[str, Any] = {f"proposals {number}": one for number, one in enumerate(proposals)}
    key = context.key("saliency_agreement", {}, images=images, **inputs)
    return context.make("agreement", key, tables.usable_ids(images), work)


def masks_of(proposals: Artifact, images: Artifact) -> Callable[[str], BoolMask]:
    """Image id -> the pixels of all its proposals, (H, W) bool."""
    found, sizes = tables.read_proposals(proposals), tables.image_sizes(images)
    rows = tables.rows_by_image(found)

    def mask(image_id: str) -> BoolMask:
        united = np.zeros(sizes[image_id], bool)
        for row in rows.get(image_id, []):
            united |= found.mask(row)
        return united

    return mask


def at_image_size(stored: ByteArray, size_hw: tuple[int, int]) -> ByteArray:
    """A stored map (h, w) resized bilinearly to the image, (H, W) uint8: what `comus saliency predict` writes."""
    soft = np.empty(size_hw, np.uint8)
    for rows, part in bilinear_bands(dequantise(stored), size_hw):
        soft[rows] = quantise(part)
    return soft


def _against_truth(dataset: Dataset, image_id: str, stored: ByteArray, mask: BoolMask) -> dict[str, object]:
    truth = dataset.truth
    if truth is None or not truth.has(image_id):
        return {"levels": None, "intersection": None, "union": None}
    classes = truth.mask(image_id)
    valid = np.ones(classes.shape, bool) if truth.ignore is None else classes != truth.ignore
    foreground = (classes > 0) & valid
    size_hw = (classes.shape[0], classes.shape[1])
    levels = level_counts(at_image_size(stored, size_hw), foreground, valid)
    intersection, union = overlap(mask, foreground, valid)
    return {"levels": levels.ravel().tolist(), "intersection": intersection, "union": union}
