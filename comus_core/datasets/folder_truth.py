"""Ground truth of a folder: `masks/` with the names of the images, and a class list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import BACKGROUND, ClassList, Colour, find_classes
from comus_core.datasets.index_masks import check_indices, read_index_mask
from comus_core.datasets.mask_files import MaskFiles, list_masks
from comus_core.datasets.mask_pairing import pair
from comus_core.datasets.orientation import Orientations
from comus_core.datasets.records import ImageFile
from comus_core.datasets.truth_report import Named, TruthReport
from comus_core.errors import DatasetError
from comus_core.types import ImageId, IndexMask


@dataclass(frozen=True, kw_only=True)
class FolderTruth(MaskFiles):
    """Masks named as their images.

    Attributes:
        ids: the id of each class in the masks, or None if ids are class indices.
        colours: see `ClassList`.
    """

    classes: tuple[str, ...]
    ignore: int | None
    ids: tuple[int, ...] | None = None
    colours: Mapping[Colour, int] | None = None

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.masks:
            raise DatasetError(f"image '{image_id}': no mask with its name in masks/")
        path = self.masks[image_id]
        mask = self.orientations.upright(read_index_mask(path, self.colours, self.ignore or 255), path, image_id)
        if self.ids is not None:
            mask = self._dense(mask, path)
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask

    def _dense(self, mask: IndexMask, path: Path) -> IndexMask:
        assert self.ids is not None and self.ignore is not None
        index_of = {value: index for index, value in enumerate(self.ids)} | {self.ignore: self.ignore}
        unknown = sorted({int(i) for i in np.unique(mask)} - set(index_of))
        if unknown:
            raise DatasetError(f"ground-truth mask {path}: the ids {unknown} were added later; open the folder again")
        table = np.zeros(max(index_of) + 1, dtype=np.uint8 if max(index_of.values()) <= 255 else np.uint16)
        table[list(index_of)] = list(index_of.values())
        return table[mask]


def open_truth(root: Path, files: tuple[ImageFile, ...], settings: TruthSettings) -> tuple[FolderTruth, TruthReport]:
    """The masks below `masks/` of these files, and a report.

    Raises:
        DatasetError: no mask matches an image, an ambiguous match, an invalid class list, or masks without any class.
    """
    pngs, not_png = list_masks(root / "masks")
    image_of = {file.relative.removeprefix("images/"): file for file in files}
    pairing = pair(list(image_of), pngs)
    masks = {image_of[name].image_id: root / "masks" / mask for name, mask in pairing.mask_of.items()}
    if not masks:
        raise DatasetError(
            f"{root}: no file in masks/ has the name of an image in images/; name each mask like its image, with the "
            "suffix .png, or set truth.read to false for a run without ground truth"
        )
    classes = find_classes(root)
    truth = _truth(root, masks, classes, Orientations(settings.orientation, {f.image_id: f.path for f in files}))
    report = TruthReport(
        images=len(files),
        labelled=len(masks),
        classes=truth.classes,
        images_without_mask=Named.of(file.relative for file in files if file.image_id not in masks),
        masks_without_image=Named.of(f"masks/{name}" for name in pairing.without_image),
        masks_not_png=Named.of(f"masks/{name}" for name in not_png),
    )
    return truth, report


def _truth(
    root: Path, masks: Mapping[ImageId, Path], class_list: ClassList | None, orientations: Orientations
) -> FolderTruth:
    if class_list is not None:
        ignore = 255 if len(class_list.classes) <= 255 else 65535
        return FolderTruth(
            masks=masks,
            orientations=orientations,
            classes=class_list.classes,
            ignore=ignore,
            class_file=class_list.file,
            colours=class_list.colours,
        )
    ids = _ids_of(masks.values(), root)
    classes = (BACKGROUND, *(f"class {i}" for i in ids[1:]))
    return FolderTruth(masks=masks, orientations=orientations, classes=classes, ignore=255, ids=ids)


def _ids_of(paths: Iterable[Path], root: Path) -> tuple[int, ...]:
    """The ids in the masks, ascending, starting with 0 and without 255 (ignored)."""
    with ThreadPoolExecutor(4) as threads:
        values = set[int]().union(*threads.map(lambda path: {int(i) for i in np.unique(read_index_mask(path))}, paths))
    ids = sorted(values - {0, 255})
    if not ids:
        raise DatasetError(
            f"{root}/masks: no class in any mask, only the ids {sorted(values)} (0 is background, 255 is ignored); "
            "number the classes from 1"
        )
    if len(ids) > 254:
        raise DatasetError(f"{root}/masks: {len(ids)} different ids; add classes.txt with one name per line")
    return (0, *ids)
