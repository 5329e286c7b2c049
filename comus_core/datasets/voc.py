"""PASCAL VOC segmentation, as it ships and as annotation tools write it: `JPEGImages`, `SegmentationClass`, lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import ClassList, Colour, find_classes
from comus_core.datasets.format import DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.image_sizes import largest_pixels
from comus_core.datasets.index_masks import check_indices, read_index_mask
from comus_core.datasets.mask_files import MaskFiles
from comus_core.datasets.orientation import Orientations
from comus_core.datasets.records import Dataset, ImageFile, SkippedFile, by_image_id, image_file, slug
from comus_core.datasets.truth_report import Named, TruthReport
from comus_core.datasets.voc_layout import (
    MASKS,
    VocImages,
    find_root,
    find_voc_images,
    has_masks,
    image_stem,
    list_splits,
    read_split,
    split_file,
)
from comus_core.datasets.voc_masks import find_masks
from comus_core.errors import DatasetError
from comus_core.types import ImageId, IndexMask

__all__ = [
    "CLASSES",
    "FORMAT",
    "VocTruth",
    "class_list",
    "find_root",
    "has_masks",
    "list_splits",
    "open_voc",
    "read_split",
]

CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
IGNORE = 255


@dataclass(frozen=True, kw_only=True)
class VocTruth(MaskFiles):
    """Masks of `SegmentationClass`, or of another folder of `voc_layout.MASKS` where only that has one.

    Attributes:
        classes: those of PASCAL VOC, unless `class_file` lists others.
        colours: see `ClassList`.
    """

    classes: tuple[str, ...] = CLASSES
    ignore: int | None = IGNORE
    colours: Mapping[Colour, int] | None = None

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.masks:
            raise DatasetError(f"VOC image '{image_id}': no mask in {', '.join(MASKS)}")
        path = self.masks[image_id]
        mask = self.lies.upright(read_index_mask(path, self.colours), path, image_id)
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask


def open_voc(spec: str, given: Path, split: str, settings: TruthSettings) -> Dataset:
    """The images a split lists; `given` is VOC2012 (or VOC2007) itself, VOCdevkit, or the folder that holds it.

    Where a tool left no lists, as labelme does, all images are the split `all`.

    Raises:
        DatasetError: no VOC folder or several, no such split (the message lists those there are), none of its images
            exists, an image that exists twice, or a bad list of classes.
    """
    root = find_root(spec, given)
    listing = split_file(root, split)
    images = find_voc_images(root)
    names = read_split(root, split, images.names)
    files, set_aside = _files_of(root, listing, names, images)
    if not names:
        raise DatasetError(f"data set '{spec}': no image in {listing}")
    if not files:
        raise DatasetError(
            f"{listing}: none of its {len(names)} images is in {root / 'JPEGImages'} (the first is '{names[0]}'); "
            "each line should be an image's name"
        )
    truth, report = _truth(root, listing, files, images, settings) if settings.read else (None, None)
    ordered, name = by_image_id(files), slug(f"voc-{split}")
    return Dataset(spec, name, root, ordered, truth, False, set_aside, report, images.passed_over)


def _files_of(
    root: Path, listing: Path, names: Sequence[str], images: VocImages
) -> tuple[list[ImageFile], tuple[SkippedFile, ...]]:
    """The images of a split that are there, and what cannot be used of it, or of a folder that cannot be read."""
    unusable = {image_stem(file.path.removeprefix("JPEGImages/")): file for file in images.set_aside}
    files = []
    aside = [file for file in images.set_aside if file.path.endswith("/")]
    for stem in names:
        found = images.names.get(stem, [])
        if len(found) > 1:
            raise DatasetError(
                f"{listing}: '{stem}' is {' and '.join(sorted(found))} in {root / 'JPEGImages'}; move all but one away"
            )
        if found:
            files.append(image_file(root, f"JPEGImages/{found[0]}", stem))
        else:
            said = f"listed in {listing.relative_to(root).as_posix()}, but there is no such file"
            aside.append(unusable.get(stem, SkippedFile(f"JPEGImages/{stem}.jpg", said)))
    if listing.is_dir():  # without lists every file is meant, also one that cannot be used
        aside = list(images.set_aside)
    return files, tuple(aside)


def _truth(
    root: Path, listing: Path, files: Sequence[ImageFile], images: VocImages, settings: TruthSettings
) -> tuple[VocTruth | None, TruthReport]:
    """The masks of a split's images, and what was found among all masks."""
    found = find_masks(root, images.names)
    masks = {file.image_id: found.mask_of[file.image_id] for file in files if file.image_id in found.mask_of}
    report = TruthReport(
        images=len(files),
        labelled=len(masks),
        masks_without_image=Named.of(found.without_image),
        masks_not_png=Named.of(found.not_png),
    )
    if not masks:
        why = f"none of the images of {listing.name} has a mask (PNG) in {' or '.join(MASKS)}"
        return None, replace(report, why_none=why)
    listed, lies = class_list(root), Orientations(settings.orientation, {f.image_id: f.path for f in files})
    truth = VocTruth(masks=masks, lies=lies)
    if listed is not None:
        truth = replace(truth, classes=listed.classes, class_file=listed.file, colours=listed.colours)
    lacking = Named.of(file.relative for file in files if file.image_id not in masks)
    return truth, replace(report, classes=truth.classes, images_without_mask=lacking)


def class_list(root: Path) -> ClassList | None:
    """The list of classes that an annotation tool left beside the folders; None: they are those of PASCAL VOC.

    Raises:
        DatasetError: it is bad, or holds more classes than VOC's ignored index leaves room for.
    """
    listed = find_classes(root)
    if listed is not None and len(listed.classes) > IGNORE:
        raise DatasetError(f"class list {listed.file}: {len(listed.classes)} classes; VOC masks hold at most {IGNORE}")
    return listed


def _open(address: DatasetAddress, drawings: Path, settings: TruthSettings) -> Dataset:
    return open_voc(str(address), address.folder, address.split, settings)


def _look(address: DatasetAddress) -> DatasetSummary:
    root = find_root(str(address), address.folder)
    listed, labelled = class_list(root), has_masks(root)
    classes = listed.classes if listed is not None else CLASSES
    images = find_voc_images(root)
    stems = read_split(root, address.split, images.names)
    largest = largest_pixels(root / "JPEGImages" / name for stem in stems for name in images.names.get(stem, ()))
    labels = len(classes) - 1 if labelled else None
    return DatasetSummary(len(stems), labelled, labels, False, largest, images.passed_over)


def _splits(folder: Path) -> tuple[str, ...]:
    return list_splits(f"voc:{folder}", folder)


FORMAT = DatasetFormat(
    "voc",
    "PASCAL VOC",
    "The folder that holds VOCdevkit, or VOC2012 itself. A list of classes may lie in it: labelmap.txt.",
    _open,
    _look,
    _splits,
    "trainval",
)
