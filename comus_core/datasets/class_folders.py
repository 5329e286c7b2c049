"""`classes:ROOT`: a folder for each class, as ImageNet has it; an image's class is its folder's name (paper, Table 12).

There are no masks: clusters are scored by the classes of whole images, without pixels.
"""

from __future__ import annotations

from pathlib import Path

from comus_core.datasets.folder import list_images
from comus_core.datasets.format import DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.image_sizes import largest_pixels
from comus_core.datasets.records import Dataset, ImageClasses, ImageFile, SkippedFile, by_image_id, slug
from comus_core.errors import DatasetError
from comus_core.text import first_of

NAME = "classes"
OUTSIDE = "not in the folder of a class"


def open_class_folders(spec: str, root: Path) -> Dataset:
    """The images of all class folders, with folders below them; images beside the class folders are skipped.

    Raises:
        DatasetError: no such folder, no image in it, fewer than two classes, or a folder of images and masks.
    """
    listing = list_images(spec, root)
    if listing.labelled:
        raise DatasetError(
            f"data set '{spec}': {root} has images/ and masks/, so its classes are in the masks: open it by its path"
        )
    files, outside = _by_class(listing.files)
    names = tuple(sorted({_class_of(file) for file in files}))
    if len(names) < 2:
        raise DatasetError(
            f"data set '{spec}': {root} has images in {first_of(names) or 'no folder'} alone; choose the folder that "
            "holds a folder of images for each class"
        )
    number = {name: index for index, name in enumerate(names)}
    classes = ImageClasses(names, {file.image_id: number[_class_of(file)] for file in files})
    return Dataset(
        *(spec, slug(root.resolve().name), root, by_image_id(files), None, False),
        (*listing.skipped, *(SkippedFile(file.relative, OUTSIDE) for file in outside)),
        ignored=listing.ignored,
        image_classes=classes,
    )


def _by_class(files: list[ImageFile]) -> tuple[list[ImageFile], list[ImageFile]]:
    """Those in a folder of a class, and those outside of any."""
    return [f for f in files if "/" in f.relative], [f for f in files if "/" not in f.relative]


def _class_of(file: ImageFile) -> str:
    return file.relative.partition("/")[0]


def _look(address: DatasetAddress) -> DatasetSummary:
    dataset = open_class_folders(str(address), address.folder)
    largest = largest_pixels(file.path for file in dataset.files)
    return DatasetSummary(len(dataset.files), False, None, False, largest, dataset.ignored)


FORMAT = DatasetFormat(
    NAME,
    "Folders of classes",
    "A folder that holds a folder of images for each class. Clusters are compared with the classes of whole images.",
    lambda address, _, __: open_class_folders(str(address), address.folder),
    _look,
)
