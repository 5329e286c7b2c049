"""What the paper (Zadaianchuk et al., arXiv 2207.05027) reports, to be shown beside a run's own scores.

Only numbers that its tables state; of single classes only those that are quoted with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from comus_core.datasets.dataset import parse_dataset
from comus_core.datasets.voc import CLASSES as VOC_CLASSES

VOC_VAL, COCO_VAL = "PASCAL VOC 2012 val, 1,449 images", "COCO 2017 val"


@dataclass(frozen=True)
class PaperRow:
    """A row of one of the paper's tables.

    Attributes:
        name: of the method.
        table: where it stands.
        data: what it was scored on.
        miou: percent, matched one to one (Hungarian).
        spread: ± over its five runs, None if not stated.
        round: the round of ours that it corresponds to.
        per_class: IoU in percent of the classes that are known.
        discovered: object classes of an IoU of 20 % and more, None if not stated.
    """

    name: str
    table: str
    data: str
    miou: float
    spread: float | None = None
    round: int = 0
    per_class: Mapping[str, float] = field(default_factory=dict)
    discovered: int | None = None


VOC_ROWS = (
    PaperRow(
        *("COMUS, iteration 0", "Table 1", VOC_VAL, 41.8, 0.1, 0),
        per_class={"background": 82.2, "chair": 0.1, "diningtable": 0.0},
    ),
    PaperRow("COMUS, iteration 1", "Table 1", VOC_VAL, 45.2, 0.4, 1),
    PaperRow(
        *("COMUS, iteration 2", "Table 1", VOC_VAL, 47.3, 0.4, 2),
        per_class={"bicycle": 17.5, "chair": 0.0, "diningtable": 19.3, "sofa": 15.6},
    ),
)
COCO_ROWS = (
    PaperRow("Pseudo-masks", "Table 3", COCO_VAL, 18.2, round=0, discovered=33),
    PaperRow("COMUS", "Table 3", COCO_VAL, 19.6, round=1, discovered=34),
)


def paper_rows(dataset: str, classes: Sequence[str]) -> tuple[PaperRow, ...]:
    """The rows that a score on a data set can be held against: its classes are those of the row, whatever the split.

    `classes` are its names, background first.
    """
    if tuple(classes) == VOC_CLASSES:
        return VOC_ROWS if parse_dataset(dataset).format != "coco-voc" else ()
    return COCO_ROWS if parse_dataset(dataset).format == "coco" and len(classes) == 81 else ()


def same_images(row: PaperRow, dataset: str, images: int) -> bool:
    """Whether the score is on the very images of the row; COCO's row leaves some out, so never there."""
    address = parse_dataset(dataset)
    return row.data == VOC_VAL and (address.format, address.split) == ("voc", "val") and images == 1449
