"""A folder of images, or of `images/`, `masks/` and `classes.txt`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import find_classes
from comus_core.datasets.file_walk import find_images
from comus_core.datasets.folder_truth import open_truth
from comus_core.datasets.format import FOLDER, DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.ignored_files import ignored_json, ignored_lines
from comus_core.datasets.image_sizes import largest_pixels
from comus_core.datasets.masks_among_images import require_no_masks
from comus_core.datasets.records import Dataset, IgnoredFiles, ImageFile, SkippedFile, by_image_id, slug
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import EXTENSIONS


class Listing(NamedTuple):
    """The images of a folder, skipped and ignored files, and whether it has masks."""

    files: list[ImageFile]
    skipped: list[SkippedFile]
    labelled: bool
    ignored: tuple[IgnoredFiles, ...]


def open_folder(spec: str, root: Path, settings: TruthSettings) -> Dataset:
    """The images below a folder, with ground truth if it holds `images/` and `masks/`.

    Hidden files and folders are ignored, and so are files that COMUS wrote (see `OwnFiles`); a folder that links reach
    twice is read once. A mask is a PNG with its image's path below `masks/`; images without mask have no ground truth.

    Raises:
        DatasetError: no such folder, no image in it, an invalid class list, or masks without any class.
    """
    listing = list_images(spec, root)
    files = by_image_id(listing.files)
    truth, report = open_truth(root, files, settings) if listing.labelled and settings.read else (None, None)
    name, skipped = slug(root.resolve().name), tuple(listing.skipped)
    return Dataset(spec, name, root, files, truth, False, skipped, report, listing.ignored)


def list_images(spec: str, root: Path) -> Listing:
    """The images of a folder.

    Raises:
        DatasetError: no such folder, no image in it, or an export of an annotation tool with masks among its images.
    """
    _require_folder(spec, root)
    require_no_masks(spec, root)
    labelled = (root / "images").is_dir() and (root / "masks").is_dir()
    files, skipped, ignored = find_images(root, root / "images" if labelled else root)
    if not files:
        raise DatasetError(_nothing_found(root / "images" if labelled else root, skipped, ignored))
    return Listing(files, skipped, labelled, ignored)


def _require_folder(spec: str, root: Path) -> None:
    if root.is_dir():
        return
    if root.exists():
        raise DatasetError(f"data set '{spec}': {root} is a file; choose the folder that contains the images")
    raise DatasetError(
        f"data set '{spec}': no such folder {root}; choose a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo"
    )


def _nothing_found(folder: Path, skipped: Iterable[SkippedFile], ignored: Iterable[IgnoredFiles]) -> str:
    lines = "".join(f"; {line}" for line in ignored_lines(ignored_json(ignored)))
    reasons = "".join(f"; {file.path}: {file.reason}" for file in list(skipped)[:3])
    kinds = ", ".join(extension[1:] for extension in EXTENSIONS)  # and by first bytes for other names
    return f"no images in {folder} or its subfolders (looked for {kinds}){reasons}{lines}"


def _look(address: DatasetAddress) -> DatasetSummary:
    listing = list_images(str(address), address.folder)
    class_list = find_classes(address.folder) if listing.labelled else None
    classes = len(class_list.classes) - 1 if class_list is not None else None
    largest = largest_pixels(file.path for file in listing.files)
    return DatasetSummary(len(listing.files), listing.labelled, classes, False, largest, listing.ignored)


FORMAT = DatasetFormat(
    FOLDER,
    "Folder",
    "All images in it and its subfolders. Optional ground truth: images/, masks/, classes.txt.",
    lambda address, _, settings: open_folder(str(address), address.folder, settings),
    _look,
)
