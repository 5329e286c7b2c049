"""The training set of a round: images with the masks that it learns from, and what of a teacher's masks is learned."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

import numpy as np

from comus_core.proposals.pseudo_masks import from_png, index_dtype_and_ignore
from comus_core.stages.context import StageContext
from comus_core.training.balance import balanced_thresholds, confidence_histogram, only_sure
from comus_core.training.settings import LabelSettings
from comus_core.types import ByteArray, IndexMask, Progress
from comus_core.workspace import Artifact

if TYPE_CHECKING:
    from comus_core.training.examples import Examples


def labelled(
    context: StageContext,
    labels: Artifact,
    categories: int,
    settings: LabelSettings | None,
    *,
    excluded: Container[str] = (),
    stage: str = "thresholds",
) -> Examples:
    """The images that have a mask in `labels`, with it.

    `labels` are pseudo-masks, or predictions, of which the settings say confidence, balance and softness; None for
    pseudo-masks, which have none of these. Images in `excluded` are left out. The pass over all confidences is reported
    as `stage`.
    """
    from comus_core.training.examples import Examples
    from comus_core.training.soft_labels import planes_from_png

    file_of = {image_id: file for image_id, file in files_of(labels).items() if image_id not in excluded}
    ignore = index_dtype_and_ignore(categories)[1]

    def stored(image_id: str) -> tuple[IndexMask, ByteArray]:
        file = file_of[image_id]
        return _read(labels, file), _read(labels, beside(file, "confidence"))

    def with_progress() -> Iterator[tuple[IndexMask, ByteArray]]:
        for done, image_id in enumerate(sorted(file_of)):
            context.on_progress(Progress(stage, done, len(file_of)))
            yield stored(image_id)

    least = np.full(categories + 1, round(settings.confidence * 255) if settings else 0, np.uint8)
    if settings and settings.balance:
        histogram = confidence_histogram(with_progress(), categories)
        least = np.maximum(least, balanced_thresholds(histogram, settings.balance))

    def read(image_id: str) -> tuple[IndexMask, ...]:
        mask = only_sure(*stored(image_id), least, ignore) if least.any() else _read(labels, file_of[image_id])
        if not (settings and settings.soft):
            return context.dataset.read(image_id), mask
        planes = planes_from_png(labels.file(beside(file_of[image_id], "soft")).read_bytes(), categories + 1)
        return context.dataset.read(image_id), mask, planes

    return Examples(sorted(file_of), read)


def files_of(labels: Artifact) -> dict[str, str]:
    """Image id -> file of its mask."""
    table = labels.table(["image_id", "file"])
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def beside(mask_file: str, folder: str) -> str:
    """The file of the same image in another folder of the artifact: `confidence` or `soft`."""
    return f"{folder}/" + mask_file.removeprefix("masks/")


def _read(labels: Artifact, file: str) -> IndexMask:
    return from_png(labels.file(file).read_bytes())
