"""Tables 1 to 4: clusters, teacher and student on PASCAL VOC and COCO, and the transfer from one to the other."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.datasets.published import COCO2017_IMAGES, VOC2007_IMAGES, VOC2012_IMAGES
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import MeasuredRow, PaperTable, Role, of_coco, of_voc

VAL = of_voc("scored", "val", VOC2012_IMAGES["val"])
TRAIN = of_voc("train", "train", VOC2012_IMAGES["train"])
TRAINAUG = of_voc("more", "trainaug", VOC2012_IMAGES["trainaug"], "voc2012-trainaug")
TEST_2007 = Role(
    "scored",
    "voc2007-test",
    "PASCAL VOC 2007 test",
    ("voc:{root}/VOCdevkit/VOC2007:test",),
    VOC2007_IMAGES["test"],
)
WORDS = ("the clusters of the images scored", "teacher of the core's pseudo-masks", "student of the teacher's masks")
EARLIER = ("IIC", "PiCIE", "SwAV", "SCAN")


def _iterations(published: Sequence[str]) -> tuple[MeasuredRow, ...]:
    """A row for each round, held against the published row of its place; "" is none."""
    return tuple(
        MeasuredRow(f"iteration {number}", WORDS[number], number, published=name)
        for number, name in enumerate(published)
    )


def _voc(_: TableSettings) -> Sequence[MeasuredRow]:
    return _iterations([f"COMUS, iteration {number}" for number in range(3)])


def _voc_2007(_: TableSettings) -> Sequence[MeasuredRow]:
    return _iterations(["", "", "COMUS"])


def _coco(_: TableSettings) -> Sequence[MeasuredRow]:
    return (
        MeasuredRow("pseudo-masks", WORDS[0], published="Pseudo-masks"),
        MeasuredRow("iteration 1", WORDS[1], 1, published="COMUS"),
    )


def _transfer(_: TableSettings) -> Sequence[MeasuredRow]:
    return (
        MeasuredRow("clusters of VOC", "proposals joined to the nearest clusters of VOC", transferred=True),
        MeasuredRow("iteration 1 of VOC", "the teacher trained on VOC", 1),
        MeasuredRow("iteration 2 of VOC", "the student trained on VOC", 2, published="COMUS, trained on VOC"),
    )


TABLE_1 = PaperTable("1", "Unsupervised segmentation of PASCAL VOC", (VAL, TRAIN, TRAINAUG), _voc, left_out=EARLIER)
TABLE_2 = PaperTable("2", "PASCAL VOC 2007", (TEST_2007, TRAIN, TRAINAUG), _voc_2007)
TABLE_3 = PaperTable(
    "3",
    "Unsupervised segmentation of COCO",
    (
        of_coco("scored", "val2017", COCO2017_IMAGES["val2017"]),
        of_coco("train", "train2017", COCO2017_IMAGES["train2017"]),
    ),
    _coco,
    least_pixels=1000,
)
TABLE_4 = PaperTable(
    "4",
    "From PASCAL VOC to COCO, 21 classes",
    (of_coco("scored", "val2017", COCO2017_IMAGES["val2017"], "coco-voc"), TRAIN, TRAINAUG),
    _transfer,
    least_pixels=1000,
    notes=("Of COCO's classes those of PASCAL VOC count; all others are background (`coco-voc:ROOT:SPLIT`).",),
)
