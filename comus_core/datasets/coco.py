"""COCO instances, merged to one category per pixel."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.config import TruthSettings
from comus_core.datasets.coco_content import Instance, categories_of, id_text, images_of, instances_of
from comus_core.datasets.coco_layout import CocoFiles, ImageFinder, find_files, list_splits
from comus_core.datasets.coco_outlines import draw, draw_box, size_of_runs
from comus_core.datasets.file_walk import walk_files
from comus_core.datasets.format import DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.image_sizes import largest_pixels
from comus_core.datasets.orientation import Orientations
from comus_core.datasets.records import Dataset, ImageFile, SkippedFile, by_image_id, image_file, slug
from comus_core.datasets.truth_report import Named, TruthReport
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import looks_like_image
from comus_core.types import BoolMask, ImageId, IndexMask


@dataclass(frozen=True)
class CocoTruth:
    """Instances merged to categories (method 1.8).

    Categories are numbered from 1 in the order of the file; an image without annotations is all background. The box of
    an object without outline, and a crowd where crowds are ignored, are ignored outside other outlines.

    Attributes:
        ignore: the index of ignored pixels, or None.
        sizes: (height, width) of each labelled image according to the annotations; None where they do not say.
        instances: of each image, in file order.
        rules: which instance wins, and what crowds and boxes are.
    """

    classes: tuple[str, ...]
    ignore: int | None
    annotations: Path
    orientations: Orientations
    sizes: Mapping[ImageId, tuple[int, int] | None]
    instances: Mapping[ImageId, Sequence[Instance]]
    rules: TruthSettings

    def has(self, image_id: ImageId) -> bool:
        """Whether the annotation file labels this image, and the orientation of its outlines is known."""
        return image_id in self.sizes and not self.unclear(image_id)

    def unclear(self, image_id: ImageId) -> bool:
        """See `GroundTruth.unclear`."""
        return image_id in self.sizes and self.orientations.is_unclear(
            image_id, size_known=self._size(image_id) is not None
        )

    def turned(self, image_id: ImageId) -> bool:
        """See `GroundTruth.turned`."""
        return image_id in self.sizes and self.orientations.is_turned(image_id)

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.sizes:
            raise DatasetError(f"COCO image '{image_id}': not labelled in {self.annotations}")
        size_hw = self._size(image_id) or self.orientations.frame(image_id)
        highest = max(len(self.classes) - 1, self.ignore or 0)
        # Column by column, as pycocotools draws: mixed orders take twice as long.
        mask = np.zeros(size_hw, dtype=np.uint8 if highest <= 255 else np.uint16, order="F")
        free, ignored = np.ones(size_hw, dtype=bool, order="F"), np.zeros(size_hw, dtype=bool, order="F")
        instances = self.instances.get(image_id, ())
        for instance in instances if self.rules.overlaps == "first" else reversed(instances):
            region = self._region(instance, image_id, size_hw)
            if is_ignored(instance, self.rules):
                ignored |= region
            else:
                mask[region & free] = instance.index
                free &= ~region
        if self.ignore is not None:
            mask[ignored & free] = self.ignore
        return np.ascontiguousarray(self.orientations.upright(mask, self.annotations, image_id))

    def files(self) -> tuple[Path, ...]:
        """See `GroundTruth.files`."""
        return (self.annotations,)

    def _region(self, instance: Instance, image_id: ImageId, size_hw: tuple[int, int]) -> BoolMask:
        if not instance.parts and instance.box is not None:
            return draw_box(instance.box, size_hw)
        try:
            return draw(instance.parts, size_hw)
        except Exception as error:  # pycocotools raises whatever a malformed outline leads to
            raise DatasetError(
                f"{self.annotations}: annotation {instance.name} of image {image_id} "
                f"({self.orientations.file(image_id).name}) has an invalid segmentation: {error}; export it again, or "
                "remove that annotation"
            ) from None

    def _size(self, image_id: ImageId) -> tuple[int, int] | None:
        run_sizes = (size_of_runs(instance.parts) for instance in self.instances.get(image_id, ()))
        return self.sizes[image_id] or next((size for size in run_sizes if size is not None), None)


def is_ignored(instance: Instance, rules: TruthSettings) -> bool:
    """Whether the pixels of an instance are neither a class nor background."""
    only_box = not instance.parts and instance.box is not None
    return (only_box and rules.boxes != "box") or (instance.crowd and rules.crowds == "ignore")


def open_coco(spec: str, root: Path, split: str, settings: TruthSettings) -> Dataset:
    """The images of a split, such as `annotations/instances_SPLIT.json`; see `coco_layout` for the layouts.

    Raises:
        DatasetError: no such folder or split, invalid JSON, no image present, an ambiguous file name, annotations that
            are not COCO instances, or only boxes where outlines are needed.
    """
    where = find_files(spec, root, split)
    content = _read_json(where.annotations)
    files, sizes, missing = _files_of(where, content)
    truth, report = _truth(where, content, files, sizes, settings) if settings.read else (None, None)
    dataset = Dataset(spec, slug(f"coco-{split}"), root, by_image_id(files), truth, False, tuple(missing), report)
    return with_labelled_pixels(dataset, settings.least_pixels)


def with_labelled_pixels(dataset: Dataset, least: int) -> Dataset:
    """The images with at least so many pixels of a class, the others skipped: the rule of the paper's code.

    Raises:
        DatasetError: no image has as many.
    """
    truth = dataset.truth
    if truth is None or not least:
        return dataset
    few = dict[ImageId, int]()
    for file in dataset.files:
        mask = truth.mask(file.image_id) if truth.has(file.image_id) else np.zeros(0, np.uint8)
        ignored = int((mask == truth.ignore).sum()) if truth.ignore is not None else 0
        if (pixels := int(np.count_nonzero(mask)) - ignored) < least:
            few[file.image_id] = pixels
    kept = tuple(file for file in dataset.files if file.image_id not in few)
    if not kept:
        raise DatasetError(f"{dataset.spec}: no image has truth.least_pixels {least}; lower it")
    left_out = tuple(
        SkippedFile(file.relative, f"{few[file.image_id]} labelled pixels, below truth.least_pixels {least}")
        for file in dataset.files
        if file.image_id in few
    )
    report = dataset.truth_report
    if report is not None:
        labelled = report.labelled - sum(truth.has(image_id) for image_id in few)
        report = replace(report, images=len(kept), labelled=labelled)
    return replace(dataset, files=kept, skipped=(*dataset.skipped, *left_out), truth_report=report)


def _files_of(
    where: CocoFiles, content: dict[str, Any]
) -> tuple[list[ImageFile], dict[ImageId, tuple[int, int] | None], list[SkippedFile]]:
    """The existing images, their annotated sizes, and the missing images."""
    finder, root = ImageFinder(where), where.root
    files, missing, sizes = [], [], {}
    for entry in images_of(content, where.annotations):
        relative = finder.find(entry.file_name)
        if relative is None:
            path = f"{where.folder}/{entry.file_name}".removeprefix("/")
            missing.append(SkippedFile(path, f"listed in {where.annotations.name}, but the file does not exist"))
            continue
        files.append(image_file(root, relative, entry.image_id))
        if entry.image_id in sizes:
            raise DatasetError(f"{where.annotations}: duplicate image id {entry.image_id}; give each image its own")
        sizes[entry.image_id] = entry.size_hw
    if not files:
        first = f" (the first is '{missing[0].path}')" if missing else ""
        raise DatasetError(
            f"{where.annotations}: none of its {len(missing)} images is in {root / where.folder}{first}; copy the "
            "images there, or set file_name to their path below the data set's folder"
        )
    return files, sizes, missing


def _truth(
    where: CocoFiles,
    content: dict[str, Any],
    files: Sequence[ImageFile],
    sizes: Mapping[ImageId, tuple[int, int] | None],
    settings: TruthSettings,
) -> tuple[CocoTruth | None, TruthReport]:
    annotations, name = content.get("annotations"), where.annotations
    if not annotations:
        return None, TruthReport(len(files), 0, why_none=f"{name.name} has no annotations")
    kept = categories_of(content, name, keep_groups=settings.groups == "keep")
    instances = instances_of(content, name, kept, sizes)
    annotated = [instance for group in instances.values() for instance in group]
    boxes = [instance for instance in annotated if not instance.parts and instance.box is not None]
    unlocated = {image for image, group in instances.items() if any(instance.lost for instance in group)}
    if settings.boxes == "auto" and boxes and len(boxes) == len(annotated):
        raise DatasetError(
            f"{name}: its {len(annotated)} annotations have only boxes, no outlines (segmentation); set truth.boxes to "
            "box to score boxes as outlines, or to ignore to exclude them from the score, or truth.read to false for a "
            "run without ground truth"
        )
    image_ids = {id_text(entry.get("id")) for entry in content["images"]}
    labelled = {image: size for image, size in sizes.items() if image not in unlocated}
    ignores = any(is_ignored(instance, settings) for instance in annotated)
    ignore = None if not ignores else (255 if len(kept.classes) <= 255 else 65535)
    orientations = Orientations(settings.orientation, {file.image_id: file.path for file in files})
    truth = CocoTruth(kept.classes, ignore, name, orientations, labelled, instances, settings)
    return truth, TruthReport(
        images=len(files),
        labelled=len(labelled),
        classes=kept.classes,
        annotations_without_outline=len(boxes),
        boxes="box" if settings.boxes == "box" else "ignore",
        images_without_outline=Named.of(file.relative for file in files if file.image_id in unlocated),
        annotations_without_image=sum(id_text(entry.get("image_id")) not in image_ids for entry in annotations),
        groups=Named.of(kept.groups),
    )


def _read_json(annotations: Path) -> dict[str, Any]:
    try:
        content = json.loads(annotations.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{annotations}: {error}; export the annotations again") from None
    if not isinstance(content, dict):
        raise DatasetError(f"{annotations}: not COCO instances (not a JSON object)")
    return content


def _look(address: DatasetAddress) -> DatasetSummary:
    folder = address.folder / find_files(str(address), address.folder, address.split).folder
    try:
        with os.scandir(folder) as entries:
            files = [path for entry in entries if looks_like_image(path := Path(entry.path))]
    except OSError as error:
        raise DatasetError(f"data set '{address}': {folder}: {error.strerror or error}") from None
    files = files or list(filter(looks_like_image, walk_files(folder, folder, [])))  # in subfolders
    if not files:
        raise DatasetError(f"data set '{address}': no images in {folder}")
    return DatasetSummary(len(files), True, largest=largest_pixels(files))


FORMAT = DatasetFormat(
    "coco",
    "COCO",
    "The folder that contains annotations/ and the images, or an export of Roboflow, CVAT or Label Studio.",
    lambda address, _, settings: open_coco(str(address), address.folder, address.split, settings),
    _look,
    lambda folder: list_splits(f"coco:{folder}", folder),
    "val2017",
    lists_at_once=False,
)
