"""Ground truth beside a folder of images: `masks/` of the same stems and `classes.txt`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from comus_core.errors import DatasetError
from comus_core.images.file_walk import walk_files
from comus_core.images.index_masks import check_indices, check_size, read_index_mask
from comus_core.images.records import ImageFile
from comus_core.types import ImageId, IndexMask

BACKGROUND = "background"


@dataclass(frozen=True)
class FolderTruth:
    """Masks of the same stem as their image.

    Attributes:
        class_file: the list of names, or None if they were made from the ids found.
        found_ids: the ids that the classes stand for, in their order, or None if id and class index are the same.
    """

    classes: tuple[str, ...]
    ignore: int | None
    masks: Mapping[ImageId, Path]
    images: Mapping[ImageId, Path]
    class_file: Path | None
    found_ids: tuple[int, ...] | None

    def has(self, image_id: ImageId) -> bool:
        """Whether a mask of this image's stem lies in `masks/`."""
        return image_id in self.masks

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.masks:
            raise DatasetError(f"image '{image_id}': no mask of the same stem in the folder masks/")
        path = self.masks[image_id]
        mask = read_index_mask(path)
        check_size(mask, path, self.images[image_id])
        if self.found_ids is not None:
            mask = self._dense(mask, path)
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask

    def files(self) -> tuple[Path, ...]:
        """See `GroundTruth.files`."""
        return tuple(sorted({*self.masks.values(), *([self.class_file] if self.class_file else [])}))

    def _dense(self, mask: IndexMask, path: Path) -> IndexMask:
        assert self.found_ids is not None and self.ignore is not None
        known = {found: index for index, found in enumerate(self.found_ids)} | {self.ignore: self.ignore}
        unknown = sorted({int(i) for i in np.unique(mask)} - set(known))
        if unknown:
            raise DatasetError(f"ground-truth mask {path}: ids {unknown} appeared after the folder was opened")
        table = np.zeros(max(known) + 1, dtype=np.uint8 if max(known.values()) <= 255 else np.uint16)
        table[list(known)] = list(known.values())
        return table[mask]


def open_truth(root: Path, files: tuple[ImageFile, ...]) -> FolderTruth:
    """The masks below `masks/` that belong to these files.

    Raises:
        DatasetError: no mask fits an image, a bad class list, or masks without any class.
    """
    stems = {
        path.relative_to(root / "masks").with_suffix("").as_posix(): path
        for path in walk_files(root / "masks", root, [])
        if path.suffix.lower() == ".png"
    }
    wanted = {file.image_id: PurePosixPath(file.relative).relative_to("images").with_suffix("") for file in files}
    masks = {image_id: stems[str(stem)] for image_id, stem in wanted.items() if str(stem) in stems}
    if not masks:
        raise DatasetError(
            f"{root}: no file in masks/ has the stem of an image in images/; name a mask as its image, ending in .png, "
            "or move the folder masks/ elsewhere"
        )
    images = {file.image_id: file.path for file in files}
    class_file = root / "classes.txt"
    if class_file.is_file():
        classes = read_classes(class_file)
        ignore = 255 if len(classes) <= 255 else 65535
        return FolderTruth(classes, ignore, masks, images, class_file, None)
    ids = _ids_of(masks.values(), root)
    return FolderTruth((BACKGROUND, *(f"class {i}" for i in ids[1:])), 255, masks, images, None, ids)


def read_classes(path: Path) -> tuple[str, ...]:
    """The names in a class list, "background" first.

    Raises:
        DatasetError: unreadable, a name twice, or none at all.
    """
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"class list {path}: {error}; write one name a line in UTF-8") from None
    if not names or names[0] != BACKGROUND:
        names.insert(0, BACKGROUND)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"class list {path}: {', '.join(twice)} more than once; a name stands for one class")
    if len(names) == 1:
        raise DatasetError(f"class list {path}: no class besides background; write one name a line")
    return tuple(names)


def _ids_of(paths: Iterable[Path], root: Path) -> tuple[int, ...]:
    """The ids that occur in the masks, ascending, 0 first and 255 (ignore) left out."""
    with ThreadPoolExecutor(4) as threads:
        found = set[int]().union(*threads.map(lambda path: {int(i) for i in np.unique(read_index_mask(path))}, paths))
    ids = sorted(found - {0, 255})
    if not ids:
        raise DatasetError(
            f"{root}/masks: no class in any mask, only {sorted(found)} (0 is background, 255 is ignored); "
            "number the classes from 1"
        )
    if len(ids) > 254:
        raise DatasetError(f"{root}/masks: {len(ids)} different ids; add classes.txt with one name a line")
    return (0, *ids)
