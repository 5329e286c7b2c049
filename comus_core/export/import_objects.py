"""The objects of one image of a file beside the proposals of a run there: which is which, and what changed.

The rule: an id with which an object was exported names its proposal or drawn object; of several objects with one id it
is that of the most similar mask. An object without id is the proposal or drawn object that its mask overlaps by an IoU
above 0.5, of which disjoint masks have only one; a box, the one whose box it overlaps so. What is left in the file is
new, what is left in the run is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from comus_core.imports.masks import SAME, box_iou, iou, same_but_for_edges, shared_out
from comus_core.imports.outlines import Box, Parts
from comus_core.imports.records import ImportedObject, Problem
from comus_core.proposals.table import Proposals
from comus_core.types import BoolMask


@dataclass(eq=False)
class Found:
    """An object of the file in its image.

    Attributes:
        record: what the file says.
        mask: (H, W) bool; None where the file says nothing about it.
        row: of the proposal that it is; None for a new object.
        same: whether it has the mask of that proposal.
        rounded: whether it does but for the pixels at its edge.
    """

    record: ImportedObject
    mask: BoolMask | None
    row: int | None = None
    same: bool = False
    rounded: bool = False


@dataclass
class ImageObjects:
    """The objects of one image.

    Attributes:
        found: in the order of the file.
        kept: rows of proposals that the file says nothing about, since their pixels are ignored there.
        problems: objects that are not used.
    """

    found: list[Found] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def find_objects(
    records: Sequence[ImportedObject],
    proposals: Proposals,
    rows: Sequence[int],
    row_of: Callable[[str], int | None],
    category_of: Callable[[int], str | None],
    size_hw: tuple[int, int],
    *,
    fill_boxes: bool,
    tolerance: float,
) -> ImageObjects:
    """The objects of an image.

    Args:
        records: those of the file.
        proposals: of the run, with the masks as decided.
        rows: those of the image.
        row_of: an exported id -> row of the proposal; None for an unknown id.
        category_of: row -> name of the category, None in none; what all pixels of a category are shared out by.
        size_hw: of the image.
        fill_boxes: whether a box becomes a mask of all its pixels.
        tolerance: pixels by which the edge of a polygon may differ.
    """
    result = ImageObjects()
    known = {row: proposals.mask(row) for row in rows}
    for record in records:
        if record.whole:
            result.found += _of_category(record, known, category_of, size_hw, result)
            continue
        try:
            mask = _drawn(record, size_hw, fill_boxes)
        except ValueError as error:
            _refuse(result, record, f"{error}; left out")
            continue
        if record.void:
            assert mask is not None
            result.kept |= {r for r, m in known.items() if m.any() and (m & mask).sum() * 2 > m.sum()}
        else:
            result.found.append(Found(record, mask))
    _by_id(result, known, rows, row_of)
    _by_overlap(result, known, proposals, size_hw)
    for one in result.found:
        if one.row is None or one.mask is None:
            one.same = one.row is not None
            continue
        one.same = np.array_equal(one.mask, known[one.row])
        if not one.same and isinstance(one.record.outline, Parts) and not one.record.outline.exact:
            one.same = one.rounded = same_but_for_edges(one.mask, known[one.row], tolerance)
    _without_place(result)
    return result


def _drawn(record: ImportedObject, size_hw: tuple[int, int], fill_boxes: bool) -> BoolMask | None:
    outline = record.outline
    if outline is None:
        return None
    if isinstance(outline, Box) and not fill_boxes:
        outline.pixels(size_hw)
        return None
    mask = outline.drawn(size_hw)
    if not mask.any():
        raise ValueError("its mask has no pixel in the image")
    return mask


def _refuse(result: ImageObjects, record: ImportedObject, message: str) -> None:
    result.problems.append(Problem(record.file, record.place, message))


def _by_id(
    result: ImageObjects, known: dict[int, BoolMask], rows: Sequence[int], row_of: Callable[[str], int | None]
) -> None:
    """Give each object with an id its proposal; of several with one id the most similar one."""
    claims: dict[int, list[Found]] = {}
    for one in result.found:
        if one.row is not None or one.record.object_id is None:
            continue
        row = row_of(one.record.object_id)
        if row is None or row not in rows:
            why = "is unknown in the run" if row is None else "is of another image"
            _refuse(result, one.record, f"its id {one.record.object_id} {why}; it is found by its mask alone")
        else:
            claims.setdefault(row, []).append(one)
    for row, claimants in claims.items():
        best = max(claimants, key=lambda one: iou(one.mask, known[row]) if one.mask is not None else 1.0)
        best.row = row
        for other in claimants:
            if other is not best:
                _refuse(
                    result, other.record, f"{best.record.place} has the same id; this one is taken for a new object"
                )


def _by_overlap(
    result: ImageObjects, known: dict[int, BoolMask], proposals: Proposals, size_hw: tuple[int, int]
) -> None:
    """Give each object without an id the proposal that it overlaps by more than `SAME`, the best first."""
    taken = {one.row for one in result.found if one.row is not None}
    pairs = []
    for place, one in enumerate(result.found):
        if one.row is not None or one.record.whole:
            continue
        for row, mask in known.items():
            if row in taken:
                continue
            if one.mask is not None:
                value = iou(one.mask, mask)
            elif isinstance(one.record.outline, Box):
                value = box_iou(one.record.outline.pixels(size_hw), proposals.box_xyxy[row].tolist())
            else:
                continue
            if value > SAME:
                pairs.append((-value, place, row))
    for _, place, row in sorted(pairs):
        if result.found[place].row is None and row not in taken:
            result.found[place].row = row
            taken.add(row)


def _of_category(
    record: ImportedObject,
    known: dict[int, BoolMask],
    category_of: Callable[[int], str | None],
    size_hw: tuple[int, int],
    result: ImageObjects,
) -> list[Found]:
    """All pixels of a category as objects: those of the category in the run, and of others that they mostly cover."""
    try:
        pixels = _drawn(record, size_hw, True)
    except ValueError as error:
        _refuse(result, record, f"{error}; left out")
        return []
    assert pixels is not None
    rows = [
        row
        for row, mask in known.items()
        if mask.any()
        and (covered := int((mask & pixels).sum()))
        and (2 * covered > int(mask.sum()) or category_of(row) == record.category)
    ]
    masks, rest = shared_out(pixels, [known[row] for row in rows])
    found = [Found(record, mask, row) for row, mask in zip(rows, masks, strict=True) if mask.any()]
    return found + ([Found(record, rest)] if rest.any() else [])


def _without_place(result: ImageObjects) -> None:
    """Leave out what is neither in the run nor has a mask: a box without a proposal, a line of a table."""
    for one in result.found:
        if one.row is None and one.mask is None:
            what = "a box that fits no proposal has no mask; draw a polygon, or import with boxes fill"
            _refuse(result, one.record, what if one.record.outline is not None else "it has no mask; left out")
    result.found = [one for one in result.found if one.row is not None or one.mask is not None]


def disjoint(found: Sequence[Found], known: dict[int, BoolMask]) -> tuple[list[Found], dict[int, BoolMask]]:
    """The changed and new masks of an image and those that stay, without common pixels.

    The rule: a changed or new mask keeps a pixel before one that stays, as when a mask is repaired on a page; of the
    changed and new ones, the first in the file keeps it.

    Returns:
        The changed and new ones with the pixels that are left, empty ones too, and row -> mask of those that stay.
    """
    drawn = [one for one in found if not one.same and one.mask is not None]
    taken: BoolMask | None = None
    left = []
    for one in drawn:
        assert one.mask is not None
        mask = one.mask if taken is None else one.mask & ~taken
        taken = one.mask.copy() if taken is None else taken | one.mask
        left.append(replace(one, mask=mask))
    stay = {row: mask if taken is None else mask & ~taken for row, mask in known.items()}
    return left, stay
