"""The plan of an import: a file compared with a run as it is decided now. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from comus_core.export.export_facts import ExportFacts, facts_of
from comus_core.export.import_categories import CategoryPlan, plan_categories
from comus_core.export.import_images import find_images
from comus_core.export.import_numbers import highest_numbers, number_of
from comus_core.export.import_objects import Found, ImageObjects, disjoint, find_objects
from comus_core.export.import_plan import ChangedMask, ImportPlan, NewMask, PlannedMask, RemovedMask, TrimmedMask
from comus_core.imports.masks import TOLERANCE, iou
from comus_core.imports.outlines import Box
from comus_core.imports.records import ImportedObject, Problem, ReadFile
from comus_core.pipelines.verb_settings import ImportSettings
from comus_core.proposals.mask_edits import encoded
from comus_core.runs.decided_objects import DecidedObjects, decided_objects
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.types import BoolMask
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import is_drawn_id

Tick = Callable[[int, int], None]


@dataclass
class _Gathered:
    """What is found image by image."""

    found: list[Found] = field(default_factory=list)
    ids: dict[int, str] = field(default_factory=dict)  # place among `found` of a new object -> its id
    changed: list[ChangedMask] = field(default_factory=list)
    new: list[NewMask] = field(default_factory=list)
    removed: list[RemovedMask] = field(default_factory=list)
    trimmed: list[TrimmedMask] = field(default_factory=list)
    masks: dict[str, Sequence[PlannedMask]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    boxes: int = 0  # that name an object of the run
    staying: int = 0  # objects that the file lacks and that stay
    _numbers: dict[str, int] | None = None

    def numbers(self, view: RunView) -> dict[str, int]:
        """Image id -> the highest number of a proposal in it, read when it is first needed."""
        if self._numbers is None:
            self._numbers = highest_numbers(view)
        return self._numbers


def plan_import(
    view: RunView, decided: Decisions, read: ReadFile, settings: ImportSettings, tick: Tick = lambda done, total: None
) -> ImportPlan:
    """Compare a file with a run.

    `tick` is called with how many images of how many are compared.

    Raises:
        SettingsError: the filter ranks by what the clustering does not have.
    """
    images, facts = find_images(view, decided, read), facts_of(view, decided, read)
    objects = decided_objects(view, decided)
    masks, in_use = objects.masks, frozenset(np.flatnonzero(objects.used).tolist())
    expected = _expected(objects, in_use, facts, settings)
    names = {row: decided.name_of(int(objects.id_of[row])) for row in in_use}
    gathered = _Gathered(problems=[*read.problems, *images.problems])
    _loose(objects, images.loose, gathered)
    wanted = [image_id for image_id in view.image_ids if image_id in images.listed or image_id in images.objects]
    for done, image_id in enumerate(wanted):
        tick(done, len(wanted))
        records = images.objects.get(image_id, [])
        rows = [row for row in objects.rows_of_image.get(image_id, []) if masks.area[row] > 0]
        size = view.image_sizes[view.image_row_of[image_id]]
        result = find_objects(
            records,
            masks,
            rows,
            objects.row_of.get if facts.has_ids else _no_id,
            names.get,
            (int(size[0]), int(size[1])),
            fill_boxes=settings.boxes == "fill",
            tolerance=(TOLERANCE if settings.tolerance is None else settings.tolerance) + facts.tolerance,
        )
        sure = image_id in images.listed and image_id not in images.unsure and not result.problems
        removable = [row for row in rows if row in in_use and read.complete and sure]
        missing = _missing(removable, result)
        removed = [row for row in missing if row in expected]
        gathered.staying += len(missing) - len(removed)
        _image(objects, str(image_id), rows, result, removed, gathered)
        gathered.boxes += sum(one.row is not None and _is_box(one) for one in result.found)
        for one in result.found:
            one.mask = None  # a mask has the size of its image, and only what is planned is needed from here on
    tick(len(wanted), len(wanted))
    planned = plan_categories(objects, read.categories, gathered.found, facts, in_use)
    return _plan(view, decided, read, facts, len(wanted), gathered, planned, settings.missing)


def _expected(
    objects: DecidedObjects, in_use: frozenset[int], facts: ExportFacts, settings: ImportSettings
) -> Collection[int]:
    """Rows of the objects that are removed where the file lacks them."""
    if settings.missing == "keep":
        return frozenset()
    if facts.objects is None:  # nobody but the user knows what the file should hold
        return in_use if settings.missing == "remove" else frozenset()
    return {row for row in in_use if objects.ids[row] in facts.objects}


def _missing(rows: Sequence[int], result: ImageObjects) -> list[int]:
    """Rows of an image that the file says nothing of."""
    there = {one.row for one in result.found if one.row is not None}
    return [row for row in rows if row not in there | result.kept]


def _is_box(one: Found) -> bool:
    return one.mask is None and isinstance(one.record.outline, Box)


def _loose(objects: DecidedObjects, records: Iterable[ImportedObject], gathered: _Gathered) -> None:
    """Objects of which a file says the id alone, such as the lines of a table."""
    for record in records:
        row = objects.row_of.get(record.object_id or "")
        if row is None:
            message = f"no proposal {record.object_id} in run {objects.view.run.id}; left out"
            gathered.problems.append(Problem(record.file, record.place, message))
        else:
            gathered.found.append(Found(record, None, row, same=True))


def _image(
    objects: DecidedObjects,
    image_id: str,
    rows: Sequence[int],
    result: ImageObjects,
    removed: Collection[int],
    gathered: _Gathered,
) -> None:
    """Note what is changed, new, removed and trimmed in one image; `removed` are rows."""
    masks = objects.masks
    gathered.problems += result.problems
    gathered.removed += [RemovedMask(_id(objects, row), image_id, int(masks.area[row])) for row in removed]
    start = len(gathered.found)
    gathered.found += result.found
    if not removed and all(one.same for one in result.found):
        return
    changing = {one.row for one in result.found if not one.same and one.row is not None}
    known = {row: masks.mask(row) for row in rows if row not in changing and row not in removed}
    drawn, stay = disjoint(result.found, known)
    planned = [(_id(objects, row), mask, False) for row, mask in stay.items()]
    gathered.trimmed += [
        TrimmedMask(_id(objects, row), image_id, int(known[row].sum() - mask.sum()), int(mask.sum()))
        for row, mask in stay.items()
        if mask.sum() < known[row].sum()
    ]
    number = gathered.numbers(objects.view).get(image_id, -1)  # of the last proposal
    places = iter(start + k for k, one in enumerate(result.found) if not one.same and one.mask is not None)
    for one, place in zip(drawn, places, strict=True):
        assert one.mask is not None
        if not one.mask.any():
            message = "other masks of the file have all its pixels; left out"
            gathered.problems.append(Problem(one.record.file, one.record.place, message))
            continue
        if one.row is None:
            number += 1
            proposal = gathered.ids[place] = f"{image_id}#{number}"
            area = int(one.mask.sum())
            gathered.new.append(NewMask(proposal, image_id, area, one.record.category, one.record.place))
        else:
            proposal, before = _id(objects, one.row), masks.mask(one.row)
            gathered.changed.append(
                ChangedMask(
                    proposal,
                    image_id,
                    round(iou(one.mask, before), 4),
                    int(before.sum()),
                    int(one.mask.sum()),
                    one.record.place,
                )
            )
        planned.append((proposal, one.mask, True))
    gathered.masks[image_id] = _ordered(planned)


def _ordered(planned: Iterable[tuple[str, BoolMask, bool]]) -> list[PlannedMask]:
    """Proposals by number, then drawn objects; a mask of which nothing is left is none."""
    ordered = sorted(planned, key=lambda entry: (is_drawn_id(entry[0]), number_of(entry[0])))
    return [PlannedMask(proposal, encoded(mask), drawn) for proposal, mask, drawn in ordered if mask.any()]


def _plan(
    view: RunView,
    decided: Decisions,
    read: ReadFile,
    facts: ExportFacts,
    images: int,
    gathered: _Gathered,
    planned: CategoryPlan,
    asked: str,
) -> ImportPlan:
    known = [one for one in gathered.found if one.row is not None]
    notes = [*read.notes, *facts.notes]
    if facts.objects is None and asked == "auto" and gathered.staying:
        has = f"{counted(gathered.staying, 'object')} of the run"
        stay = "is not in it, and stays" if gathered.staying == 1 else "are not in it, and stay"
        notes.append(f"{has} {stay}: it does not say what was exported. Missing objects: remove removes them")
    targets = {gathered.ids[place]: target for place, target in planned.target_of.items() if place in gathered.ids}
    return ImportPlan(
        run=view.run.id,
        version=decided.version,
        file=read.path,
        format=read.format,
        content=read.content,
        images=images,
        objects=len(known),
        unchanged=sum(one.same for one in known),
        rounded=sum(one.rounded for one in known),
        boxes=gathered.boxes,
        changed=tuple(gathered.changed),
        new=tuple(gathered.new),
        removed=tuple(gathered.removed),
        trimmed=tuple(gathered.trimmed),
        renamed=tuple(planned.renamed),
        moved=tuple(planned.moved),
        created=planned.created,
        problems=(*gathered.problems, *planned.problems),
        notes=tuple(notes),
        masks=gathered.masks,
        targets=targets,
    )


def _id(objects: DecidedObjects, row: int) -> str:
    return str(objects.ids[row])


def _no_id(_: str) -> None:
    """Of an export whose ids are not those of this run's proposals."""
