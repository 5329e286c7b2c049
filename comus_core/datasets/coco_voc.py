"""`coco-voc:ROOT:SPLIT`: COCO with the classes of PASCAL VOC alone; all others are background (paper, Table 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from comus_core.config import TruthSettings
from comus_core.datasets import coco
from comus_core.datasets.format import DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.records import Dataset, GroundTruth
from comus_core.datasets.voc import CLASSES
from comus_core.errors import DatasetError
from comus_core.types import ImageId, IndexMask, IntArray

NAME = "coco-voc"
# VOC's name of a class -> COCO's, where they differ.
COCO_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


@dataclass(frozen=True)
class VocClasses:
    """The ground truth of COCO in the classes of PASCAL VOC; see `GroundTruth`.

    Attributes:
        coco: of all classes.
        index_of: (n,) COCO's class index -> VOC's, 0 for those that VOC lacks.
    """

    coco: GroundTruth
    index_of: IntArray
    classes: tuple[str, ...] = CLASSES

    @property
    def ignore(self) -> int | None:
        """As in COCO's."""
        return self.coco.ignore

    def has(self, image_id: ImageId) -> bool:
        """As in COCO's."""
        return self.coco.has(image_id)

    def unclear(self, image_id: ImageId) -> bool:
        """As in COCO's."""
        return self.coco.unclear(image_id)

    def turned(self, image_id: ImageId) -> bool:
        """As in COCO's."""
        return self.coco.turned(image_id)

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        mask, ignore = self.coco.mask(image_id), self.ignore
        ignored = mask == ignore if ignore is not None else None
        found: IndexMask = self.index_of[np.where(ignored, 0, mask) if ignored is not None else mask].astype(mask.dtype)
        if ignored is not None:
            found[ignored] = ignore
        return found

    def files(self) -> tuple[Path, ...]:
        """As in COCO's."""
        return self.coco.files()


def in_voc_classes(truth: GroundTruth, spec: str) -> VocClasses:
    """COCO's ground truth with VOC's classes.

    Raises:
        DatasetError: it lacks one of VOC's classes.
    """
    names = {COCO_NAMES.get(name, name): index for index, name in enumerate(CLASSES)}
    missing = [name for name in names if name not in truth.classes]
    if missing:
        raise DatasetError(
            f"{spec}: its categories lack {', '.join(missing)}, which PASCAL VOC has; give COCO's own 80 categories, "
            f"or open it as coco:ROOT:SPLIT"
        )
    return VocClasses(truth, np.array([names.get(name, 0) for name in truth.classes], np.int64))


def _open(address: DatasetAddress, _: Path, settings: TruthSettings) -> Dataset:
    every = replace(settings, least_pixels=0)  # pixels of other classes are background, and do not count
    opened = coco.open_coco(str(address), address.folder, address.split, every)
    named = replace(opened, name=opened.name.replace("coco", NAME, 1))
    if opened.truth is None:
        return named
    truth = in_voc_classes(opened.truth, str(address))
    report = replace(opened.truth_report, classes=truth.classes) if opened.truth_report is not None else None
    return coco.with_labelled_pixels(replace(named, truth=truth, truth_report=report), settings.least_pixels)


def _look(address: DatasetAddress) -> DatasetSummary:
    return replace(coco.FORMAT.look(replace(address, format="coco")), classes=len(CLASSES) - 1)


FORMAT = DatasetFormat(
    NAME,
    "COCO with VOC's classes",
    "As COCO, but only the 20 classes that PASCAL VOC has too count as objects.",
    _open,
    _look,
    coco.FORMAT.splits,
    "val2017",
    lists_at_once=False,
)
