"""What an import would change in a run, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comus_core.imports.records import Problem
from comus_core.text import counted

LISTED = 20  # lines of a kind that the terminal prints


@dataclass(frozen=True, slots=True)
class ChangedMask:
    """A proposal with another mask in the file.

    Attributes:
        proposal: its id, which it keeps.
        image: the id of its image.
        iou: of both masks.
        area: pixels now.
        new_area: pixels in the file.
        place: where the file says it.
    """

    proposal: str
    image: str
    iou: float
    area: int
    new_area: int
    place: str


@dataclass(frozen=True, slots=True)
class NewMask:
    """An object that the run does not have; `category` is its name in the file, None where it has none."""

    proposal: str
    image: str
    area: int
    category: str | None
    place: str


@dataclass(frozen=True, slots=True)
class RemovedMask:
    """A proposal that is missing in the file, whose image is listed there."""

    proposal: str
    image: str
    area: int


@dataclass(frozen=True, slots=True)
class TrimmedMask:
    """A proposal that keeps its mask but for pixels that a changed or new mask claims."""

    proposal: str
    image: str
    lost: int
    left: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """A category with another name in the file."""

    category: int
    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A proposal in another category in the file; `category` is the id, None where `name` is a new category."""

    proposal: str
    was: str
    name: str
    category: int | None


@dataclass(frozen=True, slots=True)
class Target:
    """Where an object goes: a category of the run by its id, or a new one by its name."""

    category: int | None
    name: str


@dataclass(frozen=True, slots=True)
class PlannedMask:
    """A mask of an image that the import touches, as COCO's packed run lengths.

    `drawn` where the file says it, and not the run.
    """

    proposal: str
    rle: str
    drawn: bool


@dataclass(frozen=True)
class ImportPlan:
    """What an import changes in a run.

    Attributes:
        run: the run's id.
        version: of its decisions, on which the plan is based.
        file: what is imported.
        format: the reader's name.
        content: SHA-256 of what was read of the file.
        images: how many images of the run the file lists.
        objects: how many objects of the file were found in the run.
        unchanged: of them, those whose mask is that of the run.
        rounded: of these, polygons that differ only by the pixels at their edges.
        boxes: of these, boxes, which have no mask.
        changed, new, removed, trimmed, renamed, moved: see their classes.
        created: name of a new category -> how many objects.
        problems: what is not used, and why.
        notes: what was read in a way that a person should know.
        masks: image id -> all its masks after the import, of the images whose masks change.
        targets: id of a new object -> its category; without one it joins the nearest cluster.
    """

    run: str
    version: int
    file: str
    format: str
    content: str = ""
    images: int = 0
    objects: int = 0
    unchanged: int = 0
    rounded: int = 0
    boxes: int = 0
    changed: tuple[ChangedMask, ...] = ()
    new: tuple[NewMask, ...] = ()
    removed: tuple[RemovedMask, ...] = ()
    trimmed: tuple[TrimmedMask, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    moved: tuple[Moved, ...] = ()
    created: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    masks: Mapping[str, Sequence[PlannedMask]] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)

    @property
    def changes_masks(self) -> bool:
        """Whether it needs a new run: masks are artifacts, which are never edited."""
        return bool(self.changed or self.new or self.removed or self.trimmed)

    @property
    def changes_nothing(self) -> bool:
        """Whether the file says what the run says."""
        return not (self.changes_masks or self.renamed or self.moved)

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        kinds = ("changed", "new", "removed", "trimmed", "renamed", "moved", "created", "problems")
        counts = {name: getattr(self, name) for name in ("images", "objects", "unchanged", "rounded", "boxes")}
        return counts | {name: len(getattr(self, name)) for name in kinds}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values: the counts, and every entry."""
        return {
            "run": self.run,
            "version": self.version,
            "file": self.file,
            "format": self.format,
            "content": self.content,
            "summary": self.summary(),
            "counts": self.counts(),
            "new_run": self.changes_masks,
            **{name: [_json(entry) for entry in getattr(self, name)] for name in _ENTRIES},
            "created": dict(self.created),
            "problems": [{"file": p.file, "value": p.value, "message": p.message} for p in self.problems],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """The change in one line."""
        if self.changes_nothing:
            return "nothing changed"
        words = [
            *((counted(len(self.changed), "mask") + " changed",) if self.changed else ()),
            *((f"{len(self.new):,} new",) if self.new else ()),
            *((f"{len(self.removed):,} removed",) if self.removed else ()),
            *((f"{len(self.trimmed):,} trimmed",) if self.trimmed else ()),
            *((counted(len(self.renamed), "category", "categories") + " renamed",) if self.renamed else ()),
            *((counted(len(self.created), "category", "categories") + " created",) if self.created else ()),
            *((counted(len(self.moved), "proposal") + " moved",) if self.moved else ()),
        ]
        return ", ".join(words)

    def lines(self) -> list[str]:
        """The plan in words: the counts, then each kind with its first entries, then what is unknown."""
        lines = [f"{self.file} ({self.format}): {counted(self.objects, 'object')} in {counted(self.images, 'image')}"]
        same = f"{counted(self.unchanged, 'mask')} unchanged"
        same += f", {self.rounded:,} of them polygons that differ at their edges only" if self.rounded else ""
        same += f", {self.boxes:,} of them boxes, which have no mask" if self.boxes else ""
        lines += [f"{self.summary()}; {same}"]
        lines += _some("changed", [f"{c.proposal}: {c.area:,} to {c.new_area:,} pixels" for c in self.changed])
        lines += _some("new", [f"{n.proposal} ({n.category or 'no category'}): {n.area:,} pixels" for n in self.new])
        lines += _some("removed", [r.proposal for r in self.removed])
        lines += _some(
            "trimmed", [f"{t.proposal}: {t.lost:,} pixels belong to a mask of the file" for t in self.trimmed]
        )
        lines += _some("renamed", [f"{r.name} to {r.new_name}" for r in self.renamed])
        lines += _some("moved", [f"{m.proposal} from {m.was} to {m.name}" for m in self.moved])
        lines += [f"note: {note}" for note in self.notes]
        return lines + _some("not used", [problem.line for problem in self.problems])


_ENTRIES = ("changed", "new", "removed", "trimmed", "renamed", "moved")


def _json(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}


def _some(what: str, lines: Sequence[str]) -> list[str]:
    more = [f"{what}: and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    return [f"{what}: {line}" for line in lines[:LISTED]] + more
