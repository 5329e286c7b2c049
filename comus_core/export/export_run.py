"""Export a run or a round in a format that other tools read: `comus export RUN[@ROUND] --format NAME --out PATH`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from comus_core.errors import DatasetError, ImageError
from comus_core.export.category_table import counted_categories
from comus_core.export.destination import ABOUT, Destination, destination
from comus_core.export.export_plan import PlannedExport, planned
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.image_files import put_image
from comus_core.export.records import ExportImage
from comus_core.export.staging import StagedPart
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.runs.run_round import RunRound
from comus_core.text import first_of
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Workspace

PART = 64  # images of a part: an interruption loses seconds of work
UNREAD = 8  # parts at once where no image file is read: writing and removing their files then takes the time
HASHED = 64 * PART  # images whose files are looked at together
IMAGES, WAITING = "comus-images", "comus-waiting"  # streams of the program's own


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: the folder or the zip file.
        format: its name.
        run, round: what was exported.
        images: number of images.
        objects: number of objects.
        categories: {`id`, `index`, `name`, `color`, `images`, `objects`} of each.
        splits: name -> number of images; {"": n} without splits.
        image_files: `copied`, `linked`, `converted` -> number of image files.
        skipped_files: {`path`, `reason`} of images that are left out as they are gone or have changed.
        notes: sentences on what differs from what one may expect, such as changed names.
        replaced: files of others that were replaced, with `force`.
        supervision: direct and inherited.
        decisions: version of the decisions that were exported; 0 before the first one.
    """

    path: str
    format: str
    run: str
    round: int
    images: int
    objects: int
    categories: list[dict[str, Any]]
    splits: dict[str, int]
    image_files: dict[str, int]
    skipped_files: list[dict[str, str]]
    notes: list[str]
    replaced: list[str]
    supervision: dict[str, str]
    decisions: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def export_run(
    round: RunRound,
    workspace: Workspace,
    settings: ExportSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ExportResult:
    """Write the objects of a round with categories and masks, the image files if wanted, and `comus.json`.

    Image by image, in bounded memory. An interrupted export goes on where it stopped when the same is exported to the
    same place. What an earlier export wrote there is replaced when the new one is complete; nothing else is touched.
    Images that are gone or have changed since the run are left out and named, unless no image file is needed.

    Args:
        round: round 0 has the objects of the clusters as decided now; a trained round its predictions.
        workspace: where the run is.
        settings: what is exported, how, and where to.
        device: where a round is applied to other images; else not used.
        on_progress: called at every image; raising `Cancelled` keeps what is finished.

    Raises:
        SettingsError: an unknown format or option, too many categories for the format, `out` cannot be written.
        WorkspaceError: no clusters yet; an unknown category or selection; the folder holds files of others; the disk
            is full.
        DatasetError: every image is gone or has changed.
    """
    export = planned(round, workspace, settings, device=device, on_progress=on_progress)
    wanted, out = export.plan.settings, Path(settings.out).expanduser()
    about = {"run": round.run.id, "round": round.number, "format": export.format.name}
    with destination(out, wanted.is_zip, export.key, about, wanted.force, on_progress) as place:
        totals = _write_parts(export, workspace, place, on_progress)
        if totals.skipped and not totals.images:
            raise DatasetError(_all_gone(totals.skipped))
        export.format.writer(export.plan).finish(place.staging)
        waiting = map(json.loads, place.staging.lines(WAITING))
        place.waiting = {name: (Path(path), sha256) for name, path, sha256 in waiting}
        _write_about(export, place, totals)
    return ExportResult(
        path=str(out),
        format=export.format.name,
        run=round.run.id,
        round=round.number,
        images=totals.images,
        objects=sum(totals.objects.values()),
        categories=_counted(export, totals),
        splits=dict(totals.splits),
        image_files=dict(totals.files),
        skipped_files=totals.skipped,
        notes=[*export.notes, *_notes(totals)],
        replaced=place.replaced,
        supervision=round.supervision,
        decisions=int(export.source.about["decisions"]),
    )


@dataclass
class Totals:
    """What the parts so far hold.

    Attributes:
        objects, images_of: by id of the category.
        splits: images by split.
        files: image files by how they were made.
    """

    images: int = 0
    objects: Counter[int] = field(default_factory=Counter)
    images_of: Counter[int] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    skipped: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As a part notes it."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}

    def add(self, part: Mapping[str, Any]) -> None:
        """Count a part that was noted."""
        self.images += int(part["images"])
        for name in ("objects", "images_of"):
            getattr(self, name).update({int(k): n for k, n in part[name].items()})
        self.splits.update(part["splits"])
        self.files.update(part["files"])
        self.skipped += part["skipped"]


def _write_parts(export: PlannedExport, workspace: Workspace, place: Destination, on_progress: OnProgress) -> Totals:
    """All images, part by part; parts of an earlier attempt are kept if their image files are still the same."""
    images = [i for i in export.plan.images if export.keeps_empty or export.source.holds(i.id)]
    totals, hashes = Totals(), dict[Path, str]()
    size = PART if export.reads_images else UNREAD * PART
    for start in range(0, len(images), size):
        number, chunk = start // size, images[start : start + size]
        if export.reads_images and chunk[0].path not in hashes:
            found = workspace.hash_files(image.path for image in images[start : start + HASHED])
            hashes = {path: digest for path, (_, digest) in found.items()}
        seen = [hashes[image.path] for image in chunk] if export.reads_images else []
        noted = place.staging.done(number)
        if noted is None or noted.get("seen") != seen:  # not written yet, or its images were others then
            part = place.staging.part(number)
            try:
                noted = _write_part(export, place, part, chunk, hashes, (start, len(images)), on_progress)
            finally:
                part.close()
            place.staging.note_done(number, noted | {"seen": seen})
        totals.add(noted)
        on_progress(Progress("export", min(start + size, len(images)), len(images)))
    return totals


def _write_part(
    export: PlannedExport,
    place: Destination,
    part: StagedPart,
    images: Sequence[ExportImage],
    hashes: Mapping[Path, str],
    step: tuple[int, int],
    on_progress: OnProgress,
) -> dict[str, Any]:
    writer, counts = export.format.writer(export.plan), Totals()
    reads = export.reads_images
    for done, image in enumerate(images):
        on_progress(Progress("export", step[0] + done, step[1]))
        if reads and hashes[image.path] != export.sha256[image.id]:
            gone = not image.path.is_file()
            counts.skipped.append({"path": image.relative, "reason": "it is gone" if gone else "it has changed"})
            continue
        objects = export.source.objects(image.id)
        if not objects and not export.keeps_empty:
            continue
        try:
            if export.copies_images:
                counts.files[_put(export, place, part, image)] += 1
            writer.add(image, objects, part)
        except ImageError as fault:
            counts.skipped.append({"path": image.relative, "reason": str(fault)})
            continue
        part.line(IMAGES, b"[%s,%s]" % (json_bytes(image.file), json_bytes(image.id)))
        counts.images += 1
        counts.splits[image.split] += 1
        for one in objects:
            counts.objects[one.category] += 1
        for category in {one.category for one in objects}:
            counts.images_of[category] += 1
    return counts.to_json()


def _put(export: PlannedExport, place: Destination, part: StagedPart, image: ExportImage) -> str:
    """Put the image file into the export; one for a zip that needs no change waits for its end."""
    target = part.path(image.file)
    made = put_image(image.path, target, link=place.is_zip or export.plan.settings.images == "link")
    if place.is_zip and made == "linked":
        target.unlink()
        part.line(WAITING, json_bytes([image.file, str(image.path), export.sha256[image.id]]))
        return "copied"
    return made


def _write_about(export: PlannedExport, place: Destination, totals: Totals) -> None:
    """`comus.json`: what the export is, and which image each of its files is."""
    about = dict(export.plan.about) | {
        "images": totals.images,
        "objects": sum(totals.objects.values()),
        "categories": _counted(export, totals),
        "splits": dict(totals.splits),
        "image_files": dict(totals.files),
        "skipped_files": totals.skipped,
        "notes": [*export.notes, *_notes(totals)],
    }
    head = json.dumps(about, indent=1, ensure_ascii=False)
    with place.staging.open(ABOUT) as file:
        file.write(head.removesuffix("\n}").encode() + b',\n "files": [\n')
        for number, line in enumerate(place.staging.lines(IMAGES)):
            file.write((b",\n  " if number else b"  ") + line)
        file.write(b"\n ]\n}\n")


def _counted(export: PlannedExport, totals: Totals) -> list[dict[str, Any]]:
    return counted_categories(export.plan.categories, images=totals.images_of, objects=totals.objects)


def _notes(totals: Totals) -> list[str]:
    converted = totals.files["converted"]
    turned = "converted: of another format, or turned by EXIF, which tools read differently"
    return [f"{converted:,} image files {turned}"] if converted else []


def _all_gone(skipped: Sequence[Mapping[str, str]]) -> str:
    names = first_of([f"{entry['path']}: {entry['reason']}" for entry in skipped], 3)
    return (
        f"no image can be exported ({names}): `comus runs relink RUN FOLDER` reads them from where they are now, and "
        "--images none exports without them"
    )
