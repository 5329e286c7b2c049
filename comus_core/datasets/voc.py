"""PASCAL VOC segmentation, original or written by annotation tools: `JPEGImages`, `SegmentationClass`, lists."""

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

CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
IGNORE = 255


@dataclass(frozen=True, kw_only=True)
class VocTruth(MaskFiles):
    """Masks in `SegmentationClass`, or else in another folder of `voc_layout.MASKS`.

    Attributes:
        classes: those of PASCAL VOC, unless there is a `class_file`.
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
        mask = self.orientations.upright(read_index_mask(path, self.colours), path, image_id)
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask


def open_voc(spec: str, folder: Path, split: str, settings: TruthSettings) -> Dataset:
    """The images of a split; `folder` is VOC2012 (or VOC2007), VOCdevkit, or the folder that contains it.

    Without lists, as in exports of labelme, all images are the split `all`.

    Raises:
        DatasetError: no VOC folder or several, no such split, none of its images exists, a duplicate image, or an
            invalid class list.
    """
    root = find_root(spec, folder)
    listing = split_file(root, split)
    images = find_voc_images(root)
    names = read_split(root, split, images.names)
    files, skipped = _files_of(root, listing, names, images)
    if not names:
        raise DatasetError(f"data set '{spec}': no images in {listing}")
    if not files:
        raise DatasetError(
            f"{listing}: none of its {len(names)} images is in {root / 'JPEGImages'} (the first is '{names[0]}'); "
            "write one image name per line"
        )
    truth, report = _truth(root, listing, files, images, settings) if settings.read else (None, None)
    ordered, name = by_image_id(files), slug(f"voc-{split}")
    return Dataset(spec, name, root, ordered, truth, False, skipped, report, images.ignored)


def _files_of(
    root: Path, listing: Path, names: Sequence[str], images: VocImages
) -> tuple[list[ImageFile], tuple[SkippedFile, ...]]:
    """The existing images of a split, and its skipped files and unreadable folders."""
    unusable = {image_stem(file.path.removeprefix("JPEGImages/")): file for file in images.skipped}
    files = []
    skipped = [file for file in images.skipped if file.path.endswith("/")]
    for stem in names:
        paths = images.names.get(stem, [])
        if len(paths) > 1:
            raise DatasetError(
                f"{listing}: '{stem}' is ambiguous: {' or '.join(sorted(paths))} in {root / 'JPEGImages'}; keep one"
            )
        if paths:
            files.append(image_file(root, f"JPEGImages/{paths[0]}", stem))
        else:
            reason = f"listed in {listing.relative_to(root).as_posix()}, but the file does not exist"
            skipped.append(unusable.get(stem, SkippedFile(f"JPEGImages/{stem}.jpg", reason)))
    if listing.is_dir():  # no lists: every file belongs to the split
        skipped = list(images.skipped)
    return files, tuple(skipped)


def _truth(
    root: Path, listing: Path, files: Sequence[ImageFile], images: VocImages, settings: TruthSettings
) -> tuple[VocTruth | None, TruthReport]:
    """The masks of a split's images, and a report."""
    voc_masks = find_masks(root, images.names)
    masks = {file.image_id: voc_masks.mask_of[file.image_id] for file in files if file.image_id in voc_masks.mask_of}
    report = TruthReport(
        images=len(files),
        labelled=len(masks),
        masks_without_image=Named.of(voc_masks.without_image),
        masks_not_png=Named.of(voc_masks.not_png),
    )
    if not masks:
        why = f"no image of {listing.name} has a mask (PNG) in {' or '.join(MASKS)}"
        return None, replace(report, why_none=why)
    classes, orientations = class_list(root), Orientations(settings.orientation, {f.image_id: f.path for f in files})
    truth = VocTruth(masks=masks, orientations=orientations)
    if classes is not None:
        truth = replace(truth, classes=classes.classes, class_file=classes.file, colours=classes.colours)
    without_mask = Named.of(file.relative for file in files if file.image_id not in masks)
    return truth, replace(report, classes=truth.classes, images_without_mask=without_mask)


def class_list(root: Path) -> ClassList | None:
    """The class list beside the folders; None for the classes of PASCAL VOC.

    Raises:
        DatasetError: it is invalid, or has more than 255 classes with background.
    """
    found_list = find_classes(root)
    if found_list is not None and len(found_list.classes) > IGNORE:
        raise DatasetError(f"class list {found_list.file}: {len(found_list.classes)} classes; the limit is {IGNORE}")
    return found_list


def _look(address: DatasetAddress) -> DatasetSummary:
    root = find_root(str(address), address.folder)
    custom, labelled = class_list(root), has_masks(root)
    classes = custom.classes if custom is not None else CLASSES
    images = find_voc_images(root)
    stems = read_split(root, address.split, images.names)
    largest = largest_pixels(root / "JPEGImages" / name for stem in stems for name in images.names.get(stem, ()))
    labels = len(classes) - 1 if labelled else None
    return DatasetSummary(len(stems), labelled, labels, False, largest, images.ignored)


FORMAT = DatasetFormat(
    "voc",
    "PASCAL VOC",
    "The folder that contains VOCdevkit, or VOC2012 itself. It may contain a class list: labelmap.txt.",
    lambda address, _, settings: open_voc(str(address), address.folder, address.split, settings),
    _look,
    lambda folder: list_splits(f"voc:{folder}", folder),
    "trainval",
)
