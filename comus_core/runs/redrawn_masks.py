"""The proposals of a run with the masks that a person drew in place of the detector's. The artifact stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.proposals.mask_edits import encoded
from comus_core.proposals.table import Proposals
from comus_core.types import StrArray
from comus_core.workspace.layout import COVERED


class RedrawnMasks:
    """Run lengths (n,) bytes, read on demand, of which some are replaced; indexed like `StoredMasks`."""

    def __init__(self, stored: Any, redrawn: Mapping[int, bytes]) -> None:
        self._stored, self._redrawn = stored, redrawn

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, int | np.integer):
            row = range(len(self))[rows]
            return self._redrawn[row] if row in self._redrawn else self._stored[row]
        chosen = np.arange(len(self))[rows]
        masks: StrArray = np.empty(len(chosen), object)
        masks[:] = [self[int(row)] for row in chosen]
        return masks


class JoinedMasks:
    """Run lengths of two tables, one after the other, (n + m,) bytes, read on demand; indexed like `StoredMasks`."""

    def __init__(self, first: Any, second: Any) -> None:
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, int | np.integer):
            row, n = range(len(self))[rows], len(self._first)
            return self._first[row] if row < n else self._second[row - n]
        chosen = np.arange(len(self))[rows]
        masks: StrArray = np.empty(len(chosen), object)
        masks[:] = [self[int(row)] for row in chosen]
        return masks


def with_redrawn(proposals: Proposals, row_of: Mapping[str, int] | None, redrawn: Mapping[str, str]) -> Proposals:
    """The proposals with other masks, their boxes and areas; one of which nothing is left keeps its box, empty.

    Args:
        proposals: n rows.
        row_of: proposal id -> row; None finds them.
        redrawn: proposal id -> packed run lengths, as `Layout.redrawn`; what is not among the proposals is ignored.
    """
    if not redrawn:
        return proposals
    if row_of is None:
        row_of = {p: row for row, p in enumerate(proposals.proposal_id) if p in redrawn}
    rows = sorted((row_of[p], rle) for p, rle in redrawn.items() if p in row_of)
    boxes, areas = proposals.box_xyxy.copy(), proposals.area.copy()
    masks: dict[int, bytes] = {}
    for row, text in rows:
        height, width = (int(v) for v in proposals.size_hw[row])
        masks[row] = (encoded(np.zeros((height, width), bool)) if text == COVERED else text).encode()
        rle = {"size": [height, width], "counts": masks[row]}
        areas[row] = int(coco_mask.area(rle))
        if areas[row]:
            x, y, w, h = (int(v) for v in coco_mask.toBbox(rle))
            boxes[row] = x, y, x + w, y + h
    return replace(proposals, box_xyxy=boxes, area=areas, rle=RedrawnMasks(proposals.rle, masks))
