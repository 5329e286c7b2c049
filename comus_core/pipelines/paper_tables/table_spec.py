"""What a table of the paper is: data sets in their roles, rows to measure, and how they are read. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from comus_core.config import ProtocolName

if TYPE_CHECKING:
    from comus_core.pipelines.paper_tables.table_settings import TableSettings

RoleName = Literal["scored", "train", "more"]
Kind = Literal["rounds", "detectors", "image classes"]
ROLE_WORDS: dict[RoleName, str] = {
    "scored": "scored on",
    "train": "learned from",
    "more": "learned from in round 2",
}


@dataclass(frozen=True)
class Role:
    """A data set of the paper, and what a table does with it.

    Attributes:
        name: `scored`, `train` (where clusters are found for training) or `more` (what later rounds learn from).
        published: what `comus datasets` calls it; "" where a person must bring it.
        title: as the paper says it.
        places: its strings below a root, the first that is there counts.
        images: how many the published split has; None if that is not known.
    """

    name: RoleName
    published: str
    title: str
    places: tuple[str, ...]
    images: int | None


@dataclass(frozen=True)
class MeasuredRow:
    """A row that is computed here.

    Attributes:
        name: what it is chosen by.
        words: what it is.
        round: of the score; 0 is the clusters' own.
        changes: settings of the run by dotted name, as `clustering.method`.
        percent: of the filter for the first round; None is the setting's own.
        published: the name of the published row that it is held against; "" for none.
        components: of the spectral embedding; None is as many as clusters.
        transferred: whether round 0 is that of the data learned from, applied to the data scored.
    """

    name: str
    words: str
    round: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    percent: float | None = None
    published: str = ""
    transferred: bool = False
    components: int | None = None


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper.

    Attributes:
        number: of it.
        title: what it shows.
        roles: the paper's data sets.
        rows: settings -> the rows that are computed.
        metric: what the values are, in percent.
        protocol: how masks are scored; None where nothing is matched.
        kind: what computes a row: rounds of runs, detectors compared, or image classes against clusters.
        left_out: systems of the paper's table that are not run here and whose numbers are not known here.
        notes: what a reader must know.
        same_images: whether the paper says on which images its values are.
        least_pixels: labelled pixels that an image of the paper's values has at least (`truth.least_pixels`).
    """

    number: str
    title: str
    roles: tuple[Role, ...]
    rows: Callable[[TableSettings], Sequence[MeasuredRow]]
    metric: str = "mIoU"
    protocol: ProtocolName | None = "comus"
    kind: Kind = "rounds"
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    same_images: bool = True
    least_pixels: int = 0


def of_voc(name: RoleName, split: str, images: int, published: str = "voc2012") -> Role:
    """A split of PASCAL VOC 2012."""
    title = f"PASCAL VOC 2012 {split}"
    return Role(name, published, title, (f"voc:{{root}}/VOCdevkit/VOC2012:{split}", f"voc:{{root}}:{split}"), images)


def of_coco(name: RoleName, split: str, images: int, form: str = "coco") -> Role:
    """A split of COCO 2017; `form` is the format that reads it."""
    places = (f"{form}:{{root}}:{split}", f"{form}:{{root}}/coco:{split}")
    return Role(name, "coco2017", f"COCO 2017 {split.removesuffix('2017')}", places, images)
