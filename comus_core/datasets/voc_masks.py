"""Which mask belongs to which image of a PASCAL VOC folder, by the rules of any folder of masks."""

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
        without_image: paths below the root of masks that belong to no image.
        not_png: paths below the root of other files among the masks, which are not read.
    """

    mask_of: Mapping[str, Path]
    without_image: tuple[str, ...]
    not_png: tuple[str, ...]


def find_masks(root: Path, there: Mapping[str, Sequence[str]]) -> VocMasks:
    """The masks of all images; `there` is `VocImages.names`.

    Raises:
        DatasetError: a mask that fits several images, or an image that several masks of one folder fit; names them.
    """
    stem_of = {paths[0]: stem for stem, paths in there.items()}
    mask_of: dict[str, Path] = {}
    without, others = [], []
    for folder in MASKS:
        listed = list_masks(root / folder)
        found = pair(list(stem_of), listed.pngs)
        for image, mask in found.mask_of.items():
            mask_of.setdefault(stem_of[image], root / folder / mask)
        without += [f"{folder}/{name}" for name in found.without_image]
        others += [f"{folder}/{name}" for name in listed.others]
    return VocMasks(mask_of, tuple(without), tuple(others))
