"""Ground truth beside a folder of images: `masks/` of the same names and a list of classes."""

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
        found_ids: the ids that the classes stand for, in their order, or None if id and class index are the same.
        colours: see `ClassList`.
    """

    classes: tuple[str, ...]
    ignore: int | None
    found_ids: tuple[int, ...] | None = None
    colours: Mapping[Colour, int] | None = None

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.masks:
            raise DatasetError(f"image '{image_id}': no mask of the same stem in the folder masks/")
        path = self.masks[image_id]
        mask = self.lies.upright(read_index_mask(path, self.colours, self.ignore or 255), path, image_id)
        if self.found_ids is not None:
            mask = self._dense(mask, path)
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask

    def _dense(self, mask: IndexMask, path: Path) -> IndexMask:
        assert self.found_ids is not None and self.ignore is not None
        known = {found: index for index, found in enumerate(self.found_ids)} | {self.ignore: self.ignore}
        unknown = sorted({int(i) for i in np.unique(mask)} - set(known))
        if unknown:
            raise DatasetError(f"ground-truth mask {path}: ids {unknown} appeared after the folder was opened")
        table = np.zeros(max(known) + 1, dtype=np.uint8 if max(known.values()) <= 255 else np.uint16)
        table[list(known)] = list(known.values())
        return table[mask]


def open_truth(root: Path, files: tuple[ImageFile, ...], settings: TruthSettings) -> tuple[FolderTruth, TruthReport]:
    """The masks below `masks/` that belong to these files, and what was found.

    Raises:
        DatasetError: no mask fits an image, or not one to one; a bad class list, or masks without any class.
    """
    pngs, others = list_masks(root / "masks")
    image_of = {file.relative.removeprefix("images/"): file for file in files}
    found = pair(list(image_of), pngs)
    masks = {image_of[name].image_id: root / "masks" / mask for name, mask in found.mask_of.items()}
    if not masks:
        raise DatasetError(
            f"{root}: no file in masks/ has the stem of an image in images/; name a mask as its image, ending in .png, "
            "or move the folder masks/ elsewhere (or set truth.read to false: nothing is scored then)"
        )
    listed = find_classes(root)
    truth = _truth(root, masks, listed, Orientations(settings.orientation, {f.image_id: f.path for f in files}))
    report = TruthReport(
        images=len(files),
        labelled=len(masks),
        classes=truth.classes,
        images_without_mask=Named.of(file.relative for file in files if file.image_id not in masks),
        masks_without_image=Named.of(f"masks/{name}" for name in found.without_image),
        masks_not_png=Named.of(f"masks/{name}" for name in others),
    )
    return truth, report


def _truth(root: Path, masks: Mapping[ImageId, Path], listed: ClassList | None, lies: Orientations) -> FolderTruth:
    if listed is not None:
        ignore = 255 if len(listed.classes) <= 255 else 65535
        return FolderTruth(
            masks=masks,
            lies=lies,
            classes=listed.classes,
            ignore=ignore,
            class_file=listed.file,
            colours=listed.colours,
        )
    ids = _ids_of(masks.values(), root)
    classes = (BACKGROUND, *(f"class {i}" for i in ids[1:]))
    return FolderTruth(masks=masks, lies=lies, classes=classes, ignore=255, found_ids=ids)


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
