"""A packaged model beside `comus predict`: equal pixels, and mIoU where there is ground truth. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.datasets.records import Dataset
from comus_core.evaluation.matching import match
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.evaluation.report import score
from comus_core.export.package_model import PackagedModel
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_round import RunRound
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.round_scores import excluded_of, matching_of
from comus_core.types import ImageId, IndexMask, IntArray, OnProgress, Progress
from comus_core.workspace import Workspace

PREDICT = "comus predict"


@dataclass(frozen=True)
class PackageScore:
    """A way to predict, on some images of the round.

    Attributes:
        name: `comus predict`, or the file of a model.
        equal: percent of the pixels that are the same as those of `comus predict`.
        miou: in percent, None without ground truth.
    """

    name: str
    equal: float
    miou: float | None


def spaced(ids: Sequence[ImageId], number: int) -> list[ImageId]:
    """So many of the ids, evenly spaced; all if there are fewer."""
    number = min(number, len(ids))
    return [ids[k * len(ids) // number] for k in range(number)]


def compared_images(workspace: Workspace, subject: RunRound, dataset: Dataset, masks: MaskReader) -> list[ImageId]:
    """The images of a round that are not excluded now; where there is ground truth, those that have some."""
    excluded, truth = excluded_of(workspace, subject.run, subject.dataset), dataset.truth
    usable = (i for i in sorted(masks.files) if i not in excluded and i in dataset.by_id)
    return [i for i in usable if truth is None or truth.has(i)]


def compare_models(
    workspace: Workspace,
    subject: RunRound,
    dataset: Dataset,
    masks: MaskReader,
    ids: Sequence[ImageId],
    models: Mapping[str, PackagedModel],
    on_progress: OnProgress,
) -> list[PackageScore]:
    """`comus predict` and each model on the images, one after the other.

    `masks` are those that the round has of the images. All are scored with the matching that fits `comus predict`.

    Raises:
        DatasetError, ImageError: an image or its ground truth cannot be read.
    """
    assert subject.training is not None
    names = trained_names(subject.training, workspace.decisions_of(subject.run))
    truth, classes = dataset.truth, len(dataset.truth.classes) if dataset.truth else 1
    sums = {name: np.zeros((len(names) + 1, classes), np.int64) for name in (PREDICT, *models)}
    equal, pixels = dict.fromkeys(sums, 0), 0
    for done, image_id in enumerate(ids):
        on_progress(Progress("evaluation", done, len(ids)))
        image, own = dataset.read(image_id), masks.read(image_id)
        assert own is not None
        true = truth.mask(image_id) if truth is not None else np.zeros(own.shape, np.uint8)
        predicted: dict[str, IndexMask] = {PREDICT: own} | {name: model.mask(image) for name, model in models.items()}
        pixels += own.size
        for name, mask in predicted.items():
            ignore = truth.ignore if truth is not None else None
            sums[name] += count_prediction(image_id, mask, true, ignore, len(names), classes)
            equal[name] += int((mask == own).sum())
    on_progress(Progress("evaluation", len(ids), len(ids)))
    miou = _mious(workspace, subject, names, sums, truth.classes) if truth is not None and ids else {}
    return [PackageScore(name, 100 * equal[name] / max(pixels, 1), miou.get(name)) for name in sums]


def _mious(
    workspace: Workspace,
    subject: RunRound,
    names: Sequence[str],
    sums: Mapping[str, IntArray],
    classes: Sequence[str],
) -> dict[str, float]:
    matched = match(sums[PREDICT], matching_of(workspace, subject.run, len(names), classes))
    rows = ("background", *names)
    return {name: score(table, matched, classes, rows).miou for name, table in sums.items()}


def to_json(scores: Sequence[PackageScore], images: int) -> dict[str, Any]:
    """The scores as a result holds them."""
    return {"images": images, "models": [vars(one) for one in scores]}
