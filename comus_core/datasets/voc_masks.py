"""The masks of the images of a PASCAL VOC folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comus_core.datasets.mask_files import list_masks
from comus_core.datasets.mask_pairing import pair
from comus_core.datasets.voc_layout import MASKS


@dataclass(frozen=True)
class VocMasks:
    """The masks of a VOC folder.

    Attributes:
        mask_of: stem of an image -> its mask, from the first of `MASKS` that has one.
        without_image: paths below the root of masks without image.
        not_png: paths below the root of other files among the masks, which are not read.
    """

    mask_of: Mapping[str, Path]
    without_image: tuple[str, ...]
    not_png: tuple[str, ...]


def find_masks(root: Path, names: Mapping[str, Sequence[str]]) -> VocMasks:
    """The masks of all images; `names` is `VocImages.names`.

    Raises:
        DatasetError: see `pair`.
    """
    stem_of = {paths[0]: stem for stem, paths in names.items()}
    mask_of: dict[str, Path] = {}
    without, not_png = [], []
    for folder in MASKS:
        masks = list_masks(root / folder)
        pairing = pair(list(stem_of), masks.pngs)
        for image, mask in pairing.mask_of.items():
            mask_of.setdefault(stem_of[image], root / folder / mask)
        without += [f"{folder}/{name}" for name in pairing.without_image]
        not_png += [f"{folder}/{name}" for name in masks.others]
    return VocMasks(mask_of, tuple(without), tuple(not_png))
