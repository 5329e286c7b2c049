"""A folder of images, and one that holds `images/`, `masks/` and `classes.txt`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from comus_core.errors import DatasetError
from comus_core.images.file_walk import find_images
from comus_core.images.folder_truth import open_truth
from comus_core.images.kinds import EXTENSIONS
from comus_core.images.records import Dataset, ImageFile, PassedOver, SkippedFile, by_image_id, slug


def open_folder(spec: str, root: Path) -> Dataset:
    """The images below a folder, with ground truth if it holds `images/` and `masks/`.

    Hidden files and folders are skipped; a folder reached twice through links is read once. A mask is a PNG with its
    image's path below `masks/`; an image without one simply has no ground truth.

    Raises:
        DatasetError: no such folder, no image in it, a bad class list, or masks without any class.
    """
    found, set_aside, passed_over, labelled = list_images(spec, root)
    files = by_image_id(found)
    truth = open_truth(root, files) if labelled else None
    return Dataset(spec, slug(root.resolve().name), root, files, truth, False, tuple(set_aside), tuple(passed_over))


def list_images(spec: str, root: Path) -> tuple[list[ImageFile], list[SkippedFile], list[PassedOver], bool]:
    """The images of a folder's data set, what cannot be used, what is no image, and whether masks lie beside them.

    Raises:
        DatasetError: no such folder, or no image in it.
    """
    _require_folder(spec, root)
    labelled = (root / "images").is_dir() and (root / "masks").is_dir()
    found, set_aside, passed_over = find_images(root, root / "images" if labelled else root)
    if not found:
        raise DatasetError(_nothing_found(root / "images" if labelled else root, set_aside))
    return found, set_aside, passed_over, labelled


def _require_folder(spec: str, root: Path) -> None:
    if root.is_dir():
        return
    if root.exists():
        raise DatasetError(f"data set '{spec}': {root} is a file; give the folder that holds the images")
    raise DatasetError(
        f"data set '{spec}': no such folder {root}; give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo"
    )


def _nothing_found(folder: Path, set_aside: Iterable[SkippedFile]) -> str:
    reasons = "".join(f"; {file.path}: {file.reason}" for file in list(set_aside)[:3])
    kinds = ", ".join(extension[1:] for extension in EXTENSIONS)  # and at the first bytes of other names
    return f"no image in {folder} or the folders below it (looked for {kinds}){reasons}"
