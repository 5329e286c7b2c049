"""A folder of images, and one that holds `images/`, `masks/` and `classes.txt`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import find_classes
from comus_core.datasets.file_walk import find_images
from comus_core.datasets.folder_truth import open_truth
from comus_core.datasets.format import FOLDER, DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.image_sizes import largest_pixels
from comus_core.datasets.masks_among_images import require_no_masks
from comus_core.datasets.passed_over import passed_over_json, passed_over_lines
from comus_core.datasets.records import Dataset, ImageFile, PassedOver, SkippedFile, by_image_id, slug
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import EXTENSIONS


class Listing(NamedTuple):
    """The images of a folder's data set, what cannot be used or was left out, and whether masks lie beside them."""

    files: list[ImageFile]
    set_aside: list[SkippedFile]
    labelled: bool
    passed_over: tuple[PassedOver, ...]


def open_folder(spec: str, root: Path, settings: TruthSettings) -> Dataset:
    """The images below a folder, with ground truth if it holds `images/` and `masks/`.

    Hidden files and folders are left out, and what this program made itself (see `OwnFiles`); a folder reached twice
    through links is read once. A mask is a PNG with its image's path below `masks/`; an image without one simply has
    no ground truth, and is counted.

    Raises:
        DatasetError: no such folder, no image in it, a bad class list, or masks without any class.
    """
    listed = list_images(spec, root)
    files = by_image_id(listed.files)
    truth, report = open_truth(root, files, settings) if listed.labelled and settings.read else (None, None)
    name, set_aside = slug(root.resolve().name), tuple(listed.set_aside)
    return Dataset(spec, name, root, files, truth, False, set_aside, report, listed.passed_over)


def list_images(spec: str, root: Path) -> Listing:
    """The images of a folder's data set.

    Raises:
        DatasetError: no such folder, no image in it, or an annotation tool's, with masks among its images.
    """
    _require_folder(spec, root)
    require_no_masks(spec, root)
    labelled = (root / "images").is_dir() and (root / "masks").is_dir()
    found, set_aside, passed_over = find_images(root, root / "images" if labelled else root)
    if not found:
        raise DatasetError(_nothing_found(root / "images" if labelled else root, set_aside, passed_over))
    return Listing(found, set_aside, labelled, passed_over)


def _require_folder(spec: str, root: Path) -> None:
    if root.is_dir():
        return
    if root.exists():
        raise DatasetError(f"data set '{spec}': {root} is a file; give the folder that holds the images")
    raise DatasetError(
        f"data set '{spec}': no such folder {root}; give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo"
    )


def _nothing_found(folder: Path, set_aside: Iterable[SkippedFile], passed_over: Iterable[PassedOver]) -> str:
    left_out = "".join(f"; {line}" for line in passed_over_lines(passed_over_json(passed_over)))
    reasons = "".join(f"; {file.path}: {file.reason}" for file in list(set_aside)[:3])
    kinds = ", ".join(extension[1:] for extension in EXTENSIONS)  # and at the first bytes of other names
    return f"no image in {folder} or the folders below it (looked for {kinds}){reasons}{left_out}"


def _open(address: DatasetAddress, drawings: Path, settings: TruthSettings) -> Dataset:
    return open_folder(str(address), address.folder, settings)


def _look(address: DatasetAddress) -> DatasetSummary:
    listed = list_images(str(address), address.folder)
    known = find_classes(address.folder) if listed.labelled else None
    classes = len(known.classes) - 1 if known is not None else None
    largest = largest_pixels(file.path for file in listed.files)
    return DatasetSummary(len(listed.files), listed.labelled, classes, False, largest, listed.passed_over)


FORMAT = DatasetFormat(
    FOLDER,
    "Folder",
    "Searched through with all folders below it. Ground truth, if any: images/, masks/, classes.txt.",
    _open,
    _look,
)
