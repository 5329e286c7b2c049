"""The table of proposals: one row per object mask, the input of all later stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pycocotools import mask as coco_mask

from comus_core.types import BoolMask, FloatArray, IntArray, StrArray

SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("proposal_id", pa.string()),
        ("x0", pa.int32()),
        ("y0", pa.int32()),
        ("x1", pa.int32()),
        ("y1", pa.int32()),
        ("area", pa.int64()),
        ("score", pa.float32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("rle", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Proposals:
    """n proposals as columns; masks of one image are disjoint.

    Attributes:
        image_id, proposal_id: (n,) str; `proposal_id` is `image_id#k`.
        box_xyxy: (n, 4) int32 pixels, end exclusive, tight around the mask.
        area: (n,) int64 pixels.
        score: (n,) float32, mean soft value inside the mask.
        size_hw: (n, 2) int32, the image's height and width.
        rle: (n,) bytes, COCO compressed run lengths of the mask at image size; an array, or read on demand.
    """

    image_id: StrArray
    proposal_id: StrArray
    box_xyxy: IntArray
    area: IntArray
    score: FloatArray
    size_hw: IntArray
    rle: Any

    def __len__(self) -> int:
        return len(self.proposal_id)

    def __getitem__(self, rows: Any) -> Proposals:
        """The selected rows (boolean or integer array, or slice) as `Proposals`."""
        return Proposals(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def mask(self, row: int) -> BoolMask:
        """The mask of one row, (H, W) bool."""
        height, width = (int(v) for v in self.size_hw[row])
        pixels = coco_mask.decode({"size": [height, width], "counts": self.rle[row]})
        return np.asarray(pixels, bool)

    def to_table(self) -> pa.Table:
        """As an Arrow table of `SCHEMA`."""
        x0, y0, x1, y1 = self.box_xyxy.T
        height, width = self.size_hw.T
        columns = (self.image_id, self.proposal_id, x0, y0, x1, y1, self.area, self.score, height, width, self.rle)
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)

    @staticmethod
    def from_table(table: pa.Table, rle: Any = None) -> Proposals:
        """From an Arrow table of `SCHEMA`; `rle` stands in for that column (`stored_masks.StoredMasks`)."""
        c = {name: table.column(name).to_numpy() for name in table.column_names}
        return Proposals(
            image_id=c["image_id"].astype(object),
            proposal_id=c["proposal_id"].astype(object),
            box_xyxy=np.stack([c["x0"], c["y0"], c["x1"], c["y1"]], axis=1).astype(np.int32),
            area=c["area"].astype(np.int64),
            score=c["score"].astype(np.float32),
            size_hw=np.stack([c["height"], c["width"]], axis=1).astype(np.int32),
            rle=c["rle"].astype(object) if rle is None else rle,
        )


def proposals_of(image_id: str, masks: Sequence[BoolMask], scores: Sequence[float]) -> Proposals:
    """The proposals of one image's disjoint, non-empty masks, numbered in order."""
    rows = [_row(image_id, k, mask, score) for k, (mask, score) in enumerate(zip(masks, scores, strict=True))]
    return Proposals.from_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def concatenate(parts: Iterable[Proposals]) -> Proposals:
    """Concatenate tables; no parts give an empty table."""
    return Proposals.from_table(pa.concat_tables([SCHEMA.empty_table(), *(p.to_table() for p in parts)]))


def tight_box(mask: BoolMask) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) of a non-empty mask, end exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _row(image_id: str, number: int, mask: BoolMask, score: float) -> dict[str, Any]:
    x0, y0, x1, y1 = tight_box(mask)
    return {
        "image_id": image_id,
        "proposal_id": f"{image_id}#{number}",
        **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
        "area": int(mask.sum()),
        "score": float(score),
        "height": mask.shape[0],
        "width": mask.shape[1],
        "rle": coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"],
    }
